import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../../src/client/client.ts';
import { openStream, sealStream } from '../../../src/crypto/passphrase-box.ts';
import { unpackArchive } from '../../../src/daemon/backup/archive.ts';
import { finishRestore } from '../../../src/daemon/backup/restore.ts';
import { TestEngine } from '../engine.ts';

const PASSPHRASE = 'a passphrase – with ünïcode';

let engine: TestEngine;
let client: Client;
beforeEach(async () => {
  engine = await TestEngine.start();
  client = new Client(engine.socket);
});
afterEach(() => engine.close());

const create = async (): Promise<Buffer> =>
  buffer(await client.download('backup.create', { passphrase: PASSPHRASE }));
const verify = (bytes: Buffer, passphrase = PASSPHRASE) =>
  client.upload('backup.verify', { passphrase }, Readable.from([bytes]));
const folders = (): string[] => readdirSync(engine.state).filter((name) => /^\.(backup|verify)-/.test(name));

describe('a backup', () => {
  test('says what it holds, and leaves no copy behind', async () => {
    const { ca_pin } = await client.call('status.show', {});
    const bytes = await create();
    expect(await verify(bytes)).toMatchObject({ devices: 0, ca_pin, schema_version: expect.any(Number) });
    expect(folders()).toEqual([]);
    expect(bytes.includes(readFileSync(join(engine.state, 'master.key')))).toBe(false);
    expect(bytes.includes('SQLite format')).toBe(false);
  });

  test('is recorded, without the passphrase', async () => {
    await create();
    const [record] = (await client.call('audit.list', { action: 'backup.create' })).items;
    expect(record).toMatchObject({ result: 'done' });
    expect(JSON.stringify(record)).not.toContain('passphrase');
  });

  test('is not opened by another passphrase', async () => {
    await expect(verify(await create(), 'another one')).rejects.toMatchObject({ code: 'BACKUP_PASSPHRASE' });
    expect(folders()).toEqual([]);
  });

  test('that was changed anywhere, cut off or made longer is refused', async () => {
    const bytes = await create();
    for (const at of [60, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 1;
      await expect(verify(changed), `byte ${at}`).rejects.toMatchObject({ code: 'BACKUP_UNREADABLE' });
    }
    await expect(verify(bytes.subarray(0, -20))).rejects.toMatchObject({ code: 'BACKUP_UNREADABLE' });
    await expect(verify(Buffer.concat([bytes, Buffer.alloc(20)]))).rejects.toMatchObject({
      code: 'BACKUP_UNREADABLE',
    });
    await expect(verify(Buffer.from('not a backup'))).rejects.toMatchObject({ code: 'BACKUP_UNREADABLE' });
    expect(folders()).toEqual([]);
  });

  test('is consistent while changes go on', async () => {
    let stop = false;
    const changing = (async () => {
      for (let n = 0; !stop; n++)
        await client.call('script.add', { name: `s${n}`, language: 'shell', body: 'true' });
    })();
    const bytes = await create();
    stop = true;
    await changing;
    expect(await verify(bytes)).toMatchObject({ devices: 0 });
  });
});

describe('a restore', () => {
  const restore = (bytes: Buffer, passphrase = PASSPHRASE) =>
    client.upload('backup.restore', { passphrase }, Readable.from([bytes]));
  const restarted = async (): Promise<void> => {
    expect(await engine.engine.asked).toBe('restart');
    await engine.close({ keep: true });
    engine = await TestEngine.start({ state: engine.state });
    client = new Client(engine.socket);
  };

  test('puts the backup in place and keeps the former state aside', async () => {
    await client.call('config.set', { key: 'job_retention_days', value: 11 });
    const before = await client.call('code.create', { address: 'a:1' });
    const bytes = await create();
    const after = await client.call('code.create', { address: 'a:1' });
    await client.call('config.set', { key: 'job_retention_days', value: 22 });
    const { previous_state } = await restore(bytes);
    await restarted();
    const ids = (await client.call('code.list', { all: true })).map((code) => code.id);
    expect(ids).toContain(before.id);
    expect(ids).not.toContain(after.id);
    const settings = await client.call('config.show', {});
    expect(settings.find((setting) => setting.key === 'job_retention_days')?.value).toBe(11);
    expect(readdirSync(previous_state)).toEqual(
      expect.arrayContaining(['borealis.db', 'master.key', 'borealisd.toml']),
    );
    expect(await client.call('audit.verify', {})).toMatchObject({ intact: true });
  });

  test('is recorded in the trail that is in force from then on, with the head of the one that it replaced', async () => {
    const bytes = await create();
    await client.call('code.create', { address: 'a:1' });
    const { created_at, previous_state } = await restore(bytes);
    const [last] = (await client.call('audit.list', { action: 'backup.restore' })).items;
    await restarted();
    expect((await client.call('audit.list', {})).items).toMatchObject([
      {
        seq: 1,
        actor: last!.actor,
        action: 'backup.restore',
        result: 'done',
        detail: {
          created_at,
          replaced_records: last!.seq,
          replaced_head: last!.hash,
          previous_state: basename(previous_state),
        },
      },
    ]);
  });

  test.each([
    ['before the store knew of it', false],
    ['after it did', true],
  ])('whose engine was killed right %s is told to the store once', async (_when, told) => {
    await restore(await create());
    await engine.close({ keep: true });
    const pending = join(engine.state, 'restore.pending');
    const note = ['previous', 'asked.json'].map((name) => [name, readFileSync(join(pending, name))] as const);
    if (told) {
      await (await TestEngine.start({ state: engine.state })).close({ keep: true });
    } else {
      finishRestore(engine.state, join(engine.state, 'master.key'));
    }
    mkdirSync(pending, { recursive: true });
    for (const [name, bytes] of note) writeFileSync(join(pending, name), bytes);
    engine = await TestEngine.start({ state: engine.state });
    client = new Client(engine.socket);
    expect((await client.call('audit.list', { action: 'backup.restore' })).items).toHaveLength(1);
    expect(existsSync(pending)).toBe(false);
  });

  test('onto another engine brings its authority and keys along', async () => {
    const { ca_pin } = await client.call('status.show', {});
    const bytes = await create();
    const other = await TestEngine.start();
    const first = engine;
    engine = other;
    client = new Client(other.socket);
    await restore(bytes);
    await restarted();
    expect((await client.call('status.show', {})).ca_pin).toBe(ca_pin);
    await first.close();
  });

  test('keeps the states of the last three, its own among them, and touches nothing else', async () => {
    const at = (name: string) => join(engine.state, `before-restore-${name}`);
    const old = ['2024-01-01', '2024-01-02', '2024-01-03', '2099-01-01'].map((day) =>
      at(`${day}T00-00-00-000Z`),
    );
    for (const folder of [...old, at('of-monday')]) mkdirSync(folder);
    const { previous_state } = await restore(await create());
    await restarted();
    const kept = readdirSync(engine.state).filter((name) => name.startsWith('before-restore-'));
    expect(kept.map((name) => join(engine.state, name)).sort()).toEqual(
      [old[2], old[3], previous_state, at('of-monday')].sort(),
    );
    expect(existsSync(join(previous_state, 'borealis.db'))).toBe(true);
  });

  test('with the wrong passphrase or a damaged file changes nothing', async () => {
    const bytes = await create();
    await expect(restore(bytes, 'another one')).rejects.toMatchObject({ code: 'BACKUP_PASSPHRASE' });
    await expect(restore(bytes.subarray(0, 5_000))).rejects.toMatchObject({ code: 'BACKUP_UNREADABLE' });
    expect(existsSync(join(engine.state, 'restore.pending'))).toBe(false);
    expect((await client.call('status.show', {})).ready).toBe(true);
  });

  test('interrupted between two files is finished by the next start', async () => {
    const kept = await client.call('code.create', { address: 'a:1' });
    const bytes = await create();
    await restore(bytes);
    await engine.close({ keep: true });
    // As if the process had died right after it moved the old store aside.
    const aside = join(engine.state, readFileSync(join(engine.state, 'restore.pending', 'previous'), 'utf8'));
    mkdirSync(aside);
    writeFileSync(join(aside, 'borealis.db'), readFileSync(join(engine.state, 'borealis.db')));
    engine = await TestEngine.start({ state: engine.state });
    client = new Client(engine.socket);
    expect((await client.call('code.list', { all: true })).map((code) => code.id)).toContain(kept.id);
    expect(existsSync(join(engine.state, 'restore.pending'))).toBe(false);
  });

  test('copies that a killed engine left behind are removed at the next start', async () => {
    await engine.close({ keep: true });
    const left = mkdtempSync(join(engine.state, '.verify-'));
    writeFileSync(join(left, 'master.key'), 'secret');
    engine = await TestEngine.start({ state: engine.state });
    expect(folders()).toEqual([]);
  });

  test('what operators keep there themselves is not taken for a leftover', async () => {
    await engine.close({ keep: true });
    const own = ['backup-2026.bin', 'verify-me', '.backup-of-mine'].map((name) => join(engine.state, name));
    for (const file of own) writeFileSync(file, 'precious');
    mkdirSync(join(engine.state, 'backup-folder'));
    engine = await TestEngine.start({ state: engine.state });
    expect(own.filter((file) => !existsSync(file))).toEqual([]);
    expect(existsSync(join(engine.state, 'backup-folder'))).toBe(true);
  });
});

describe('a backup that somebody made who knows the passphrase', () => {
  type Part = readonly [name: string, content: Buffer];
  let parts: Map<string, Buffer>;
  beforeEach(async () => {
    const directory = join(mkdtempSync(join(tmpdir(), 'borealis-backup-')), 'contents');
    const manifest = await unpackArchive(
      Readable.from([await create()]).pipe(openStream(PASSPHRASE)),
      directory,
    );
    parts = new Map(manifest.files.map(({ name }) => [name, readFileSync(join(directory, name))]));
    rmSync(join(directory, '..'), { recursive: true });
  });
  const made = async (files: readonly Part[], change: object = {}): Promise<Buffer> => {
    const manifest = {
      format: 'borealis-backup-1',
      created_at: new Date().toISOString(),
      engine_version: '0',
      schema_version: 1,
      devices: 0,
      ca_pin: '',
      files: files.map(([name, content]) => ({ name, size: content.length, sha256: sha256(content) })),
      ...change,
    };
    const plain = Buffer.concat([
      Buffer.from(`${JSON.stringify(manifest)}\n`),
      ...files.map(([, bytes]) => bytes),
    ]);
    return buffer(Readable.from([plain]).pipe(sealStream(PASSPHRASE, { logN: 10 })));
  };
  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  const file = (name: string): Part => [name, parts.get(name)!];

  test('is taken where an engine can start with it', async () => {
    expect(await verify(await made([file('borealis.db'), file('master.key')]))).toMatchObject({ devices: 0 });
  });

  test('is refused where no engine could start with it, before anything is put in place', async () => {
    const store = file('borealis.db');
    const key = file('master.key');
    const hostile: readonly (readonly [what: string, files: readonly Part[], change?: object])[] = [
      ['without the key', [store]],
      ['without the store', [key]],
      ['with the key of another', [store, ['master.key', Buffer.alloc(32, 7)]]],
      ['with half a key', [store, ['master.key', Buffer.alloc(16)]]],
      ['with an empty store', [['borealis.db', Buffer.alloc(0)], key]],
      ['with one file twice', [store, store, key]],
      ['with a way out', [store, key, ['../../etc/passwd', Buffer.from('x')]]],
      ['with a configuration that is none', [store, key, ['borealisd.toml', Buffer.from('listen = 5')]]],
      ['with a size that is none', [store, key], { files: [{ name: 'borealis.db', size: -1, sha256: '' }] }],
    ];
    for (const [what, files, change] of hostile) {
      const bytes = await made(files, change);
      for (const operation of ['backup.verify', 'backup.restore'] as const)
        await expect(
          client.upload(operation, { passphrase: PASSPHRASE }, Readable.from([bytes])),
          what,
        ).rejects.toMatchObject({ code: 'BACKUP_UNREADABLE' });
    }
    expect(folders()).toEqual([]);
    expect(existsSync(join(engine.state, 'restore.pending'))).toBe(false);
    expect((await client.call('status.show', {})).ready).toBe(true);
  });
});
