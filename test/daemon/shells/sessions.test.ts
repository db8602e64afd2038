import { execFile } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Recording } from '../../../src/protocol/shell.ts';
import { requires } from '../../require.ts';
import { until } from '../agents.ts';
import { problem } from '../engine.ts';
import { ShellLab } from './lab.ts';

let lab: ShellLab;
beforeEach(async () => {
  lab = await ShellLab.open();
});
afterEach(() => lab.close());

/** A session that is over. */
const recorded = async (output: string, input: object = {}): Promise<string> => {
  const { id } = await lab.create(input);
  const shell = lab.agent.shells.get(id)!;
  shell.print(output);
  shell.exit(0);
  await lab.event('shell.ended', ({ data }) => data.shell === id);
  return id;
};
const path = (id: string): string => join(lab.directory, 'recordings', `${id}.cast`);
interface Found {
  recording: Recording;
  at: number;
  line: string;
}
const search = async (text: string, rest = ''): Promise<Found[]> => {
  const watching = lab.watch(`/sessions/search?text=${encodeURIComponent(text)}${rest}`);
  const { code } = await watching.closed;
  if (code !== 1000) throw new Error(JSON.stringify(watching.messages.at(-1)));
  return watching.messages as Found[];
};

test('sessions are listed newest first, of one device or all, those that run among them', async () => {
  const first = await recorded('one');
  lab.clock.advance(1_000);
  const second = await recorded('two');
  lab.clock.advance(1_000);
  const { id } = await lab.create({ record_input: true });
  lab.agent.shells.get(id)!.print('x'.repeat(100));
  const list = (await lab.call<Recording[]>('GET', '/sessions?device=web1')).body;
  expect(list.map((session) => [session.id, session.state])).toEqual([
    [id, 'recording'],
    [second, 'complete'],
    [first, 'complete'],
  ]);
  expect(list[0]).toMatchObject({ ended_at: null, input_recorded: true, device: 'web1' });
  expect((await lab.call<Recording[]>('GET', '/sessions?limit=1')).body).toHaveLength(1);
  expect(await lab.session(second.slice(0, 6))).toMatchObject({ id: second });
  expect(problem(await lab.call('GET', '/sessions/zzz')).code).toBe('SESSION_NOT_FOUND');
  const { bytes, duration_seconds } = await lab.session(second);
  expect(bytes).toBe(Buffer.byteLength(await lab.cast(second)));
  expect(duration_seconds).toBeGreaterThanOrEqual(0);
});

test('a session that runs is read as far as it is, to the last byte', async () => {
  const { id } = await lab.create();
  const typist = await lab.attach(id);
  lab.agent.shell.print('just shown');
  await typist.until(() => typist.text.includes('just shown'));
  expect(await lab.recorded(id)).toBe('just shown');
});

test('who read or searched is on record; what was searched for is not', async () => {
  const id = await recorded('x');
  await lab.cast(id);
  await search('hunter2');
  const audit = await lab.audit();
  expect(audit.map(({ action, target }) => [action, target])).toEqual([
    ['shell.create', 'web1'],
    ['session.read', id],
    ['session.search', 'all sessions'],
  ]);
  expect(JSON.stringify([audit, lab.lines])).not.toContain('hunter2');
});

test('a search finds what was shown, not what was written, newest first', async () => {
  const old = await recorded('$ systemctl restart ng\x08\x08apache2\r\nFa\x1b[31miled\x1b[0m to start\r\n');
  lab.clock.advance(1_000);
  const young = await recorded('ok\r\nFAILED again\r\nFAILED again\r\n\x1b]0;failed title\x07');
  const found = await search('failed');
  expect(found.map(({ recording, line }) => [recording.id, line])).toEqual([
    [young, 'FAILED again'],
    [old, 'Failed to start'],
  ]);
  expect((await search('restart apache2')).length).toBe(1);
  expect(await search('restart ng')).toEqual([]);
  expect(await search('[31m')).toEqual([]);
  expect((await search('failed', '&device=web1')).length).toBe(2);
});

test('a search through one that was meddled with finds what is in the others, and says so', async () => {
  const bad = await recorded('needle one');
  lab.clock.advance(1_000);
  await recorded('needle two');
  const bytes = readFileSync(path(bad));
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path(bad), bytes);
  const watching = lab.watch('/sessions/search?text=needle');
  await watching.closed;
  expect(watching.messages).toMatchObject([
    { line: 'needle two' },
    { error: { code: 'RECORDING_DAMAGED', message: expect.stringContaining(bad) } },
  ]);
});

describe('a recording that was meddled with is not handed out', () => {
  test.each(['changed', 'cut', 'another’s'])('%s', async (how) => {
    const id = await recorded('secret of one');
    const other = await recorded('secret of two');
    const bytes = readFileSync(path(id));
    if (how === 'changed') bytes[Math.floor(bytes.length / 2)]! ^= 1;
    const meddled = how === 'cut' ? bytes.subarray(0, bytes.length - 40) : bytes;
    writeFileSync(path(id), how === 'another’s' ? readFileSync(path(other)) : meddled);
    const answer = await lab.call('GET', `/sessions/${id}/cast`);
    expect(problem(answer)).toMatchObject({ status: 500, code: 'RECORDING_DAMAGED' });
    expect(answer.text).not.toContain('secret');
  });
});

describe('what is recorded of what is typed', () => {
  const typed = async (input: object): Promise<string> => {
    const { id } = await lab.create(input);
    const { shell } = lab.agent;
    const typist = await lab.attach(id);
    typist.type('echoed');
    await until(() => shell.typed.join('') === 'echoed');
    shell.echo = false;
    typist.type('hunter2');
    await until(() => shell.typed.join('') === 'echoedhunter2');
    shell.exit(0);
    await typist.closed;
    return id;
  };

  test('nothing, unless it was asked for', async () => {
    expect(await lab.recorded(await typed({}), 'i')).toBe('');
  });

  test('where it was, what was typed while the terminal echoed; a password is in no file', async () => {
    const id = await typed({ record_input: true });
    expect(await lab.recorded(id, 'i')).toBe('echoed');
    expect(await lab.cast(id)).not.toContain('hunter2');
    for (const file of ['borealis.db', 'borealis.db-wal', `recordings/${id}.cast`]) {
      const bytes = readFileSync(join(lab.directory, file));
      expect(bytes.includes('hunter2'), file).toBe(false);
      expect(bytes.includes('echoed'), file).toBe(false);
    }
    expect(lab.lines.join('')).not.toContain('hunter2');
  });
});

test('a recording lies sealed, for its owner alone', async () => {
  const id = await recorded('the secret of the day\r\n'.repeat(50));
  const bytes = readFileSync(path(id));
  expect(bytes.includes('secret')).toBe(false);
  expect(bytes.includes('width')).toBe(false);
  expect(statSync(path(id)).mode & 0o777).toBe(0o600);
});

describe('a shell is recorded unless an admin set otherwise', () => {
  test('no field of the API says not to', async () => {
    for (const field of ['record', 'recorded', 'record_shells', 'no_record']) {
      const answer = await lab.call('POST', '/shells', { device: 'web1', [field]: false });
      expect(problem(answer).code).toBe('INVALID_INPUT');
    }
  });

  test('then there is no file, and the shell says so', async () => {
    lab.recordShells = false;
    const shell = await lab.create();
    expect(shell.recorded).toBe(false);
    lab.agent.shell.print('unseen');
    const typist = await lab.attach(shell.id);
    await typist.until(() => typist.text.includes('unseen'));
    await until(() => lab.agent.shell.acked === lab.agent.shell.end);
    expect(lab.files).toEqual([]);
    expect((await lab.call<Recording[]>('GET', '/sessions')).body).toEqual([]);
    expect(problem(await lab.call('GET', `/sessions/${shell.id}/cast`)).code).toBe('SESSION_NOT_FOUND');
    lab.agent.shell.exit(0);
    await typist.closed;
  });
});

test('an export plays in asciinema', requires('asciinema', 'script'), async () => {
  const { id } = await lab.create({ record_input: true });
  const { shell } = lab.agent;
  const typist = await lab.attach(id, 'root', '?cols=91&rows=31');
  typist.type('typed\r\n');
  await typist.until(() => typist.text.includes('typed'));
  shell.print('h\u00e9llo \x1b[1mw\u00f6rld\x1b[0m \u{1f600}\r\n');
  shell.exit(0);
  await typist.closed;
  const cast = await lab.cast(id);
  expect(cast).toMatch(/,"r","91x31"\]\n/);
  expect(cast).toMatch(/,"i","typed/);
  const file = join(lab.directory, 'export.cast');
  writeFileSync(file, cast);
  // It wants a terminal of its own.
  const { stdout } = await promisify(execFile)('script', ['-qec', `asciinema cat ${file}`, '/dev/null'], {
    env: { ...process.env, HOME: lab.directory, LC_ALL: 'C.UTF-8' },
  });
  expect(stdout).toContain('typed');
  expect(stdout).toContain('h\u00e9llo \x1b[1mw\u00f6rld\x1b[0m \u{1f600}');
  const played = await promisify(execFile)('script', ['-qec', `asciinema play -s 100 ${file}`, '/dev/null'], {
    env: { ...process.env, HOME: lab.directory, LC_ALL: 'C.UTF-8' },
  });
  expect(played.stdout).toContain('h\u00e9llo \x1b[1mw\u00f6rld\x1b[0m \u{1f600}');
});
