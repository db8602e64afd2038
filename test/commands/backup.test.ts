/** Backups through the real program: the passphrase from a person, a file, standard input; the file whole or not at all. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Place } from '../lab/processes.ts';
import { CTRL_C, Terminal } from '../lab/terminal.ts';

const place = new Place();
const terminals: Terminal[] = [];
afterAll(async () => {
  for (const one of terminals) one.kill();
  await place.dispose();
});

const PASSPHRASE = 'correct horse ö "battery"';
const secret = place.path('passphrase');
const file = place.path('a.backup');
const from = (path: string): string[] => ['--passphrase-file', path];
beforeAll(async () => {
  await place.startEngine();
  writeFileSync(secret, `${PASSPHRASE}\n`, { mode: 0o600 });
});

const terminal = (...args: string[]): Terminal => {
  const made = new Terminal({ args, env: { BOREALIS_SOCKET: place.socket } });
  terminals.push(made);
  return made;
};
const hidden = (): string[] => readdirSync(place.directory).filter((name) => name.startsWith('.'));

describe('create', () => {
  test('a person types the passphrase twice, and it is not shown', async () => {
    const create = terminal('backup', 'create', file);
    await create.until('Passphrase: ');
    create.type(`${PASSPHRASE}\r`);
    await create.until('The same again: ');
    create.type(`${PASSPHRASE}\r`);
    expect([await create.ended, create.text]).toEqual([0, expect.stringContaining('and checked it')]);
    expect(create.written).not.toContain('horse');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file).includes('SQLite format 3')).toBe(false);
  });

  test('a slip of the finger makes no backup', async () => {
    const other = place.path('slip.backup');
    const create = terminal('backup', 'create', other);
    await create.until('Passphrase: ');
    create.type('something long\r');
    await create.until('The same again: ');
    create.type('something lonh\r');
    expect([await create.ended, existsSync(other)]).toEqual([2, false]);
  });

  test('one that is too short is told so before it is typed again', async () => {
    const short = place.path('short.backup');
    const create = terminal('backup', 'create', short);
    await create.until('Passphrase: ');
    create.type('horse\r');
    expect([await create.ended, existsSync(short)]).toEqual([2, false]);
    expect(create.text).toContain('too short: a passphrase has 8 characters or more');
    expect(create.text).not.toContain('The same again');
  });

  test('Ctrl-C at the question: 130, and nothing is written', async () => {
    const create = terminal('backup', 'create', place.path('none.backup'));
    await create.until('Passphrase: ');
    create.type(CTRL_C);
    expect([await create.ended, existsSync(place.path('none.backup'))]).toEqual([130, false]);
  });

  test('a file that is there stays, unless --force', async () => {
    const before = readFileSync(file);
    const { code, stderr } = await place.ctl(['backup', 'create', file, ...from(secret)]);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--force')]);
    expect(readFileSync(file).equals(before)).toBe(true);
    const made = await place.json<object>(['backup', 'create', file, '--force', ...from(secret)]);
    expect(made).toMatchObject({ file, file_bytes: statSync(file).size, verified: true, devices: 0 });
  });

  test('nobody to ask, an empty file, one that is too long, a short passphrase: 2', async () => {
    const other = place.path('other.backup');
    const nobody = await place.ctl(['backup', 'create', other]);
    expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining('--passphrase-file')]);
    for (const input of ['', '\n', 'x'.repeat(5_000), 'short\n'])
      expect((await place.ctl(['backup', 'create', other, ...from('-')], { input })).code).toBe(2);
    expect([existsSync(other), hidden()]).toEqual([false, []]);
  });

  test('a directory that is not there is named', async () => {
    const { code, stderr } = await place.ctl(['backup', 'create', place.path('no/x'), ...from(secret)]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`${place.path('no')} does not exist`)]);
  });
});

describe('verify', () => {
  test('by a file named in the environment, and by standard input', async () => {
    const env = { BOREALIS_PASSPHRASE_FILE: secret };
    const named = await place.ctl(['backup', 'verify', file], { env });
    expect([named.code, named.stdout]).toEqual([0, expect.stringContaining('The backup is whole.')]);
    const piped = await place.json(['backup', 'verify', file, ...from('-')], { input: PASSPHRASE });
    expect(piped).toMatchObject({ devices: 0 });
  });

  test('another passphrase, a byte changed, cut off, no backup at all: 1', async () => {
    const verify = async (path: string, input: string) => {
      const { code, stdout } = await place.ctl(['backup', 'verify', path, '--json', ...from('-')], { input });
      return [code, (JSON.parse(stdout) as { error: { code: string } }).error.code];
    };
    expect(await verify(file, 'another passphrase')).toEqual([1, 'BACKUP_PASSPHRASE']);
    const good = readFileSync(file);
    const damaged = place.path('damaged.backup');
    for (const bad of [
      good.subarray(0, good.length - 1),
      Buffer.concat([good, Buffer.from('x')]),
      Buffer.from(good).fill(good[good.length - 20]! ^ 1, good.length - 20, good.length - 19),
      Buffer.from('this is no backup'),
      Buffer.alloc(0),
    ]) {
      writeFileSync(damaged, bad);
      expect(await verify(damaged, PASSPHRASE)).toEqual([1, 'BACKUP_UNREADABLE']);
    }
  });

  test('a passphrase that others may read is warned of', async () => {
    const open = place.path('open');
    writeFileSync(open, PASSPHRASE, { mode: 0o644 });
    const { code, stderr } = await place.ctl(['backup', 'verify', file, ...from(open)]);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`chmod 0600 ${open}`)]);
  });
});

describe('restore', () => {
  test('shows first, asks, puts it in place, and says where the state before is', async () => {
    await place.client.call('code.create', {});
    const restore = terminal('backup', 'restore', file);
    await restore.until('Passphrase: ');
    restore.type(`${PASSPHRASE}\r`);
    await restore.until(/This backup is whole:.*\[y\/N\]/s);
    expect(await place.client.call('code.list', {})).toHaveLength(1);
    restore.type('y\r');
    expect(await restore.ended).toBe(0);
    expect(restore.text.replace(/\s+/g, ' ')).toMatch(/before-restore-.*only the last three are kept\./);
    expect(await place.client.call('code.list', {})).toHaveLength(0);
  });

  test('no is no; and nobody to ask needs --yes', async () => {
    await place.client.call('code.create', {});
    const restore = terminal('backup', 'restore', file, ...from(secret));
    await restore.until('[y/N]');
    restore.type('n\r');
    expect(await restore.ended).toBe(1);
    expect((await place.ctl(['backup', 'restore', file, ...from(secret)])).code).toBe(2);
    expect(await place.client.call('code.list', {})).toHaveLength(1);
    const done = await place.json(['backup', 'restore', file, '--yes', ...from(secret)]);
    expect(done).toMatchObject({ ready: true, previous_state: expect.stringContaining(place.directory) });
    expect(await place.client.call('code.list', {})).toHaveLength(0);
  });
});
