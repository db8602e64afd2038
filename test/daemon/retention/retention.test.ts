import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Retention } from '../../../src/daemon/retention/retention.ts';
import { type Rule, retentionRules } from '../../../src/daemon/retention/rules.ts';
import type { Clock } from '../../../src/sys/clock.ts';
import { type OpenStore, openStore } from '../../store/open.ts';
import {
  approvalRow,
  codeRow,
  deviceRow,
  eventRow,
  jobRow,
  refreshTokenRow,
  shellRow,
  targetRow,
  telemetryRow,
} from '../../store/rows.ts';

const DAY = 86_400_000;
const NOW = 1_000 * DAY;
const GUID = '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a001';
const BATCH = 10;

let now = NOW;
const clock: Clock = { now: () => now, monotonic: () => 0 };
const days = {
  telemetry_retention_days: 30,
  event_retention_days: 20,
  job_retention_days: 90,
  recording_retention_days: 40,
};
const removed: string[] = [];
const files = { removeNow: (id: string) => void removed.push(id) };
let open: OpenStore;

beforeEach(async () => {
  now = NOW;
  open = await openStore();
  await open.store.write(({ db }) =>
    db
      .insertInto('device')
      .values(deviceRow({ guid: GUID, name: 'web1' }))
      .execute(),
  );
});
afterEach(() => open.close());

const retention = (rules: readonly Rule[] = retentionRules(() => days, files)): Retention =>
  new Retention({ store: open.store, clock, log: pino({ level: 'silent' }), rules });
const prune = (): Promise<void> => retention().prune(new AbortController().signal, BATCH);
const count = async (
  table: 'shell' | 'telemetry' | 'event' | 'job' | 'job_target' | 'approval' | 'ha_switch',
): Promise<number> => {
  const row = await open.store.read
    .selectFrom(table)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return row.count;
};

test('switches of a pair go after ninety days, and only then', async () => {
  const vpn_id = 'officeoffice';
  const times = Array.from({ length: 25 }, (_, i) => NOW - 90 * DAY - 15 + i);
  await open.store.write(async ({ db }) => {
    await db
      .insertInto('vpn_service')
      .values({ ...serviceRow, id: vpn_id })
      .execute();
    await db
      .insertInto('ha_switch')
      .values(times.map((at) => ({ ...switchRow, vpn_id, id: `at-${at}`, at })))
      .execute();
  });
  await prune();
  expect(await count('ha_switch')).toBe(10);
  now += 1;
  await prune();
  expect(await count('ha_switch')).toBe(9);
});
const switchRow = { reason: 'lost', from_name: 'a', to_name: 'b', gap_ms: 1, clients: 0, back: 0 } as const;
const serviceRow = {
  name: 'office',
  project: 'default',
  labels_json: '{}',
  endpoint: 'vpn.example.org:51820',
  pool: '10.8.0.0/24',
  pool6: null,
  dns_json: '[]',
  local_subnets_json: '[]',
  masquerade: 0,
  mtu: 1_420,
  listen_port: 51_820,
  interface: 'bvpn0',
  public_key: 'A'.repeat(43),
  given: 1,
  created_at: 0,
  created_by: 'ada',
  node: 'engine',
  revision: 0,
  told: null,
};

test('telemetry goes after its days, and only then, however many batches that takes', async () => {
  const times = Array.from({ length: 45 }, (_, i) => NOW - 30 * DAY - 25 + i);
  await open.store.write(({ db }) =>
    db
      .insertInto('telemetry')
      .values(times.map((at) => telemetryRow(GUID, at)))
      .execute(),
  );
  await prune();
  const left = await open.store.read.selectFrom('telemetry').select('at').orderBy('at').execute();
  expect(left.map((row) => row.at)).toEqual(times.filter((at) => at >= NOW - 30 * DAY));
  now += 1;
  await prune();
  expect(await count('telemetry')).toBe(left.length - 1);
});

test('events go after their days; the newest stays for ever', async () => {
  await open.store.write(({ db }) =>
    db
      .insertInto('event')
      .values(Array.from({ length: 33 }, (_, i) => eventRow(i + 1, NOW - 25 * DAY + i)))
      .execute(),
  );
  await prune();
  const left = await open.store.read.selectFrom('event').select('id').execute();
  expect(left).toEqual([{ id: 33 }]);
});

test('finished jobs go with their targets; unfinished ones stay', async () => {
  const old = NOW - 100 * DAY;
  await open.store.write(async ({ db }) => {
    await db
      .insertInto('job')
      .values([jobRow('old', old, old + 5), jobRow('open', old, null), jobRow('late', old, NOW - 89 * DAY)])
      .execute();
    await db
      .insertInto('job')
      .values(jobRow('new', NOW - DAY, NOW))
      .execute();
    const many = Array.from({ length: 25 }, (_, i) => targetRow('old', `guid-${i}`));
    await db.insertInto('job_target').values(many).execute();
    await db.insertInto('job_target').values(targetRow('open', GUID)).execute();
    await db.insertInto('job_count').values({ job_id: 'old', state: 'succeeded', count: 25 }).execute();
  });
  await prune();
  const left = await open.store.read.selectFrom('job').select('id').orderBy('id').execute();
  expect(left.map((row) => row.id)).toEqual(['late', 'new', 'open']);
  expect(await count('job_target')).toBe(1);
  expect(await open.store.read.selectFrom('job_count').selectAll().execute()).toEqual([]);
});

test('enrolment requests and codes go; a code stays while a request names it', async () => {
  const old = NOW - 40 * DAY;
  await open.store.write(async ({ db }) => {
    await db
      .insertInto('enrolment_code')
      .values([
        codeRow('used', old, old + 1),
        codeRow('named', old, old + 1),
        codeRow('long', old, NOW + DAY),
      ])
      .execute();
    await db
      .insertInto('approval')
      .values([
        ...Array.from({ length: 15 }, (_, i) => approvalRow(`a${i}`, 'used', old + i, old + i + 1)),
        approvalRow('recent', 'named', NOW - DAY, NOW - DAY),
      ])
      .execute();
  });
  await prune();
  expect((await open.store.read.selectFrom('approval').select('id').execute()).map((row) => row.id)).toEqual([
    'recent',
  ]);
  const codes = await open.store.read.selectFrom('enrolment_code').select('id').orderBy('id').execute();
  expect(codes.map((row) => row.id)).toEqual(['long', 'named']);
});

test('refresh tokens go a day after their end', async () => {
  await open.store.write(({ db }) =>
    db
      .insertInto('refresh_token')
      .values([refreshTokenRow('old', GUID, NOW - DAY - 1), refreshTokenRow('ended', GUID, NOW - 1)])
      .execute(),
  );
  await prune();
  const left = await open.store.read.selectFrom('refresh_token').select('token_hash').execute();
  expect(left).toEqual([{ token_hash: 'ended' }]);
});

test('retention that is shortened counts for the next batch', async () => {
  let kept = 30;
  await open.store.write(({ db }) =>
    db
      .insertInto('telemetry')
      .values(telemetryRow(GUID, NOW - 10 * DAY))
      .execute(),
  );
  const rules = retentionRules(() => ({ ...days, telemetry_retention_days: kept }), files);
  await retention(rules).prune();
  expect(await count('telemetry')).toBe(1);
  kept = 7;
  await retention(rules).prune();
  expect(await count('telemetry')).toBe(0);
});

test('close ends a round after the batch under way', async () => {
  let batches = 0;
  const reached = Promise.withResolvers<void>();
  const endless: Rule = {
    name: 'endless',
    prune: async () => {
      batches += 1;
      reached.resolve();
      return true;
    },
  };
  const running = retention([endless]);
  running.start(0);
  await reached.promise;
  await running.close();
  const before = batches;
  await new Promise((resolve) => setImmediate(resolve));
  expect(batches).toBe(before);
});

test('a round that fails is logged, and another one comes', async () => {
  const failing: Rule = { name: 'failing', prune: () => Promise.reject(new Error('no')) };
  const logged = Promise.withResolvers<string>();
  const log = pino({}, { write: (line: string) => logged.resolve(line) });
  const running = new Retention({ store: open.store, clock, log, rules: [failing] });
  running.start(0);
  expect(await logged.promise).toContain('tried again in ten minutes');
  await running.close();
});

test('recorded shells go with their files once they ended so long ago; those that run stay', async () => {
  const rows = Array.from({ length: 45 }, (_, n) =>
    shellRow({ id: `old${n}`, guid: GUID, ended_at: NOW - 40 * DAY - 1, started_at: n }),
  );
  rows.push(shellRow({ id: 'young', guid: GUID, ended_at: NOW - 40 * DAY }));
  rows.push(shellRow({ id: 'runs', guid: GUID, started_at: 0, ended_at: null }));
  await open.store.write(({ db }) => db.insertInto('shell').values(rows).execute());
  await prune();
  const left = await open.store.read.selectFrom('shell').select('id').orderBy('id').execute();
  expect(left.map(({ id }) => id)).toEqual(['runs', 'young']);
  expect(removed.toSorted()).toEqual(
    rows
      .map(({ id }) => id)
      .filter((id) => id.startsWith('old'))
      .toSorted(),
  );
});
