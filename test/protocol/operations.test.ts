/**
 * The guard: walks all operations of the local API. A new one fails here until it has a role, a handler, a command, a
 * test, and, where it changes something, a record of that and a refusal for viewers.
 */
import { chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyRing } from '../../src/daemon/keys/key-ring.ts';
import { Recordings } from '../../src/daemon/recordings/recordings.ts';
import type { AuditRecord } from '../../src/protocol/audit.ts';
import { type Operation, pathFields } from '../../src/protocol/operation.ts';
import { type OperationName, operations } from '../../src/protocol/operations.ts';
import { role } from '../../src/protocol/scalars.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { diskUsage } from '../../src/sys/disk.ts';
import { type Answer, problem, TestEngine } from '../daemon/engine.ts';
import { callAs } from '../daemon/other-user.ts';
import { requires } from '../require.ts';
import { approvalRow, codeRow, contextRow, deviceRow, shellRow } from '../store/rows.ts';

const ROOT = join(import.meta.dirname, '../..');
const all = Object.entries(operations) as [OperationName, Operation][];
const changing = all.filter(([, operation]) => operation.changes);

/** Operations whose command has another name than `<noun>/<verb>`. */
const COMMANDS: Partial<Record<OperationName, string>> = {
  'status.show': 'status',
  'doctor.check': 'doctor',
  'engine.stop': 'daemon/stop',
  'log.read': 'log',
  'job.create': 'run',
  'tunnel.allow': 'tunnel/ports',
  'tunnel.activity': 'tunnel/forward',
  'shell.create': 'shell',
  'shell.attach': 'shell',
  'session.read': 'session/export',
  'copy.open': 'cp',
  'device.names': 'completion/names',
  'device.groups': 'completion/names',
};

/** Changes that need a network of their own, or a device behind a tunnel: where the record of each is looked for. */
const ELSEWHERE: Partial<Record<OperationName, string>> = {
  'tunnel.connect': 'test/lab/tunnel-calls.lab.test.ts',
  'tunnel.disconnect': 'test/lab/tunnel-calls.lab.test.ts',
  'vpn.create': 'test/lab/vpn.lab.test.ts',
  'vpn.delete': 'test/lab/vpn.lab.test.ts',
  'connection.add': 'test/lab/vpn.lab.test.ts',
  'connection.config': 'test/lab/vpn.lab.test.ts',
  'connection.qr': 'test/lab/vpn-sites.lab.test.ts',
  'connection.change': 'test/lab/vpn-sites.lab.test.ts',
  'connection.enable': 'test/lab/vpn.lab.test.ts',
  'connection.disable': 'test/lab/vpn.lab.test.ts',
  'connection.remove': 'test/lab/vpn.lab.test.ts',
  'ha.enable': 'test/daemon/ha/operations.test.ts',
  'ha.switch': 'test/daemon/ha/operations.test.ts',
  'ha.disable': 'test/daemon/ha/operations.test.ts',
  'shell.create': 'test/daemon/shells/shells.test.ts',
  'shell.kill': 'test/daemon/shells/shells.test.ts',
  'copy.open': 'test/daemon/copies/copies.test.ts',
};

describe.each(all)('%s', (name, operation) => {
  test('is declared whole', () => {
    expect(name).toMatch(/^[a-z]+\.[a-z]+$/);
    expect(role.options).toContain(operation.role);
    expect(operation.summary).toMatch(/^\p{Lu}.*\.$/u);
    expect(operation.path).toMatch(/^(\/[a-z-]+|\/\{[a-z]+\})+$/);
    const fields = Object.keys((operation.input as unknown as { shape: object }).shape);
    expect(fields).toEqual(expect.arrayContaining(pathFields(operation.path)));
  });

  test('has a command', () => {
    const file = `src/commands/${COMMANDS[name] ?? name.replace('.', '/')}.ts`;
    expect(existsSync(join(ROOT, file)), file).toBe(true);
  });

  test('has a test', () => {
    const path = operation.path.replaceAll(/\{\w+\}/g, '[^\'"`?]+');
    const called = new RegExp(`'${operation.method}',\\s*['"\`]${path}['"\`?]`);
    const mentions = tests().filter((text) => text.includes(name) || called.test(text));
    expect(mentions, `no file below test/ names ${name} or calls its path`).not.toEqual([]);
  });

  if (operation.changes) {
    test('changes something, so a viewer may not', () => expect(operation.role).not.toBe('viewer'));
  }
});

let texts: string[] | undefined;
/** Every test but those that walk over all operations. */
const tests = (): string[] => {
  texts ??= globSync('test/**/*.{ts,tsx}', { cwd: ROOT })
    .filter((file) => !file.startsWith('test/protocol/'))
    .map((file) => readFileSync(join(ROOT, file), 'utf8'));
  return texts;
};

test('no two operations share method and path', () => {
  const places = all.map(([, { method, path }]) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`);
  expect(new Set(places).size).toBe(places.length);
});

const GROUP = 'nogroup';
const PASSPHRASE = 'correct horse battery';
const KEY = 'A'.repeat(43);
const guidOf = (n: number): string => `8b1cfd0b-9f33-4a2c-a5c2-${String(n).padStart(12, '0')}`;

describe('over the real socket', requires('root', 'curl'), () => {
  let engine: TestEngine;
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'borealis-guard-'));
    chmodSync(directory, 0o755);
    const state = join(directory, 'state');
    mkdirSync(state, { mode: 0o700 });
    await seed(join(state, 'borealis.db'));
    engine = await TestEngine.start({ state, flags: { socket_group: GROUP } });
    await engine.call('PUT', '/users/nobody', { role: 'viewer' });
  });
  afterAll(() => engine.close());

  const pathOf = ({ path }: Operation): string => path.replaceAll(/\{(\w+)\}/g, 'x');

  test.each(all)('%s has a handler', async (name, operation) => {
    // Of no use to anybody: as far as the parser, and no further.
    const answer = await engine.call(operation.method, `${pathOf(operation)}?no_such_field=1`);
    const upgraded = operation.transport === 'stream' || operation.transport === 'terminal';
    const code = upgraded ? 'WEBSOCKET_REQUIRED' : 'INVALID_INPUT';
    expect(problem(answer).code, name).toBe(code);
  });

  test.each(all)('%s is refused to strangers', async (_name, operation) => {
    const as = { user: 'daemon', group: GROUP };
    const answer = await callAs(as, engine.socket, operation.method, pathOf(operation));
    expect(problem(answer)).toMatchObject({ status: 403, code: 'STRANGER' });
  });

  test.each(all.filter(([, operation]) => operation.role !== 'viewer'))(
    '%s is refused to viewers, and recorded',
    async (name, operation) => {
      const as = { user: 'nobody', group: GROUP };
      const answer = await callAs(as, engine.socket, operation.method, pathOf(operation), {});
      expect(problem(answer)).toMatchObject({ status: 403, code: 'NOT_PERMITTED' });
      expect(await newest()).toMatchObject({ actor: 'nobody', action: name, result: 'NOT_PERMITTED' });
    },
  );

  const newest = async (): Promise<AuditRecord> => {
    const { body } = await engine.call('GET', '/audit?limit=1');
    return (body as { items: AuditRecord[] }).items[0]!;
  };

  /** One change by each operation that makes any, in this order. */
  const changes: Partial<Record<OperationName, () => Promise<Answer>>> = {
    'config.set': () => engine.call('PUT', '/config/event_retention_days', { value: 20 }),
    'user.grant': () => engine.call('PUT', '/users/games', { role: 'viewer' }),
    'user.revoke': () => engine.call('DELETE', '/users/games'),
    'code.create': () => engine.call('POST', '/codes', { address: 'engine.example' }),
    'code.revoke': () => engine.call('DELETE', '/codes/code1'),
    'approval.approve': () => engine.call('POST', '/approvals/approval1/approve', { name: 'web9' }),
    'approval.deny': () => engine.call('POST', '/approvals/approval2/deny', {}),
    'device.rename': () => engine.call('PATCH', '/devices/web1', { name: 'web1b' }),
    'device.tag': () => engine.call('PUT', '/devices/web1b/tags', { set: { role: 'web' } }),
    'device.quarantine': () => engine.call('POST', '/devices/web2/quarantine', {}),
    'device.release': () => engine.call('POST', '/devices/web2/release', {}),
    'device.revoke': () => engine.call('POST', '/devices/web3/revoke', {}),
    'device.remove': () => engine.call('DELETE', '/devices/web4'),
    'script.add': () => engine.call('POST', '/scripts', { name: 'motd', language: 'shell', body: 'echo' }),
    'script.remove': () => engine.call('DELETE', '/scripts/motd'),
    'job.create': () => engine.call('POST', '/jobs', job),
    'job.cancel': async () => engine.call('POST', `/jobs/${await jobId()}/cancel`, {}),
    'job.retry': async () => engine.call('POST', `/jobs/${await jobId()}/retry`, {}),
    'tunnel.allow': () => engine.call('PUT', '/devices/web1b/ports', { ports: ['22', '53/udp'] }),
    'session.read': () => engine.call('GET', `/sessions/${SESSION}/cast`),
    'session.search': async () => {
      const watching = engine.watch('/sessions/search?text=shown');
      expect((await watching.closed).code).toBe(1000);
      expect(watching.messages).toMatchObject([{ line: 'shown' }]);
      return { ...(await engine.call('GET', '/me')), text: '' };
    },
    'backup.create': () => engine.call('POST', '/backup', { passphrase: PASSPHRASE }),
    'backup.restore': async () => {
      const backup = await engine.call('POST', '/backup', { passphrase: PASSPHRASE });
      return engine.call('POST', '/backup/restore', backup.bytes, { 'borealis-passphrase': PASSPHRASE });
    },
    'engine.stop': () => engine.call('POST', '/engine/stop'),
  };
  const job = { work: { kind: 'command', argv: ['true'] }, devices: ['web1b'] };
  const jobId = async (): Promise<string> => {
    const { body } = await engine.call('GET', '/jobs?limit=1');
    return (body as { items: { id: string }[] }).items[0]!.id;
  };

  test('every operation that changes something is tried here', () => {
    const tried = [...Object.keys(changes), ...Object.keys(ELSEWHERE)];
    expect(tried.toSorted()).toEqual(changing.map(([name]) => name).toSorted());
    for (const [name, file] of Object.entries(ELSEWHERE)) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      expect(text.includes(`action: '${name}'`), `${file} looks for the record of ${name}`).toBe(true);
    }
  });

  test.each(Object.entries(changes))('%s leaves a record of who did it', async (name, change) => {
    const before = (await newest()).seq;
    const answer = await change();
    expect(answer.status, answer.text.slice(0, 500)).toBe(200);
    const after = await newest();
    expect(after.seq).toBeGreaterThan(before);
    expect(after).toMatchObject({ action: name, actor: userInfo().username, result: 'done' });
  });

  test('and the chain of all these records is whole', async () => {
    expect((await engine.call('GET', '/audit/verify')).body).toMatchObject({ intact: true });
  });
});

const SESSION = 'abcdefghijkl';

const seed = async (path: string): Promise<void> => {
  const store = await SqliteStore.open(path);
  await seedSession(store, join(path, '..'));
  const later = Date.now() + 3_600_000;
  await store.write(async ({ db }) => {
    await db
      .insertInto('device')
      .values(
        [1, 2, 3, 4].map((n) =>
          deviceRow({ guid: guidOf(n), name: `web${n}`, fingerprint: `${n}`.repeat(64) }),
        ),
      )
      .execute();
    await db
      .insertInto('device_context')
      .values(contextRow(guidOf(1), 'B'.repeat(43)))
      .execute();
    await db
      .insertInto('enrolment_code')
      .values(codeRow('code1', Date.now(), later))
      .execute();
    for (const n of [1, 2]) {
      const row = approvalRow(`approval${n}`, 'code1', Date.now(), later);
      await db
        .insertInto('approval')
        .values({
          ...row,
          state: 'waiting',
          public_key: KEY,
          hostname: `new${n}`,
          fingerprint: `${n + 4}`.repeat(64),
        })
        .execute();
    }
  });
  await store.close();
};

/** A recorded shell, as an engine before left it. */
const seedSession = async (store: SqliteStore, state: string): Promise<void> => {
  const keys = await KeyRing.open(store, join(state, 'master.key'), systemClock);
  const recordings = new Recordings({ state, keys, clock: systemClock, diskUsage });
  await recordings.start();
  const header = { cols: 80, rows: 24, startedAt: Date.now(), title: 'web1', term: 'xterm' };
  const recorder = await recordings.create(SESSION, header, { stored: () => {}, stuck: () => {} });
  recorder.output(Buffer.from('shown'));
  await recorder.finish('complete');
  const now = Date.now();
  const row = shellRow({ id: SESSION, guid: guidOf(1), started_at: now, ended_at: now });
  await store.write(({ db }) => db.insertInto('shell').values(row).execute());
};
