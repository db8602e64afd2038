/**
 * Whatever the operators' operations ask of the store is answered from indexes. Every statement that a whole engine
 * prepares while each operation is used is explained by SQLite itself; one that reads a whole table fails.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite.ts';
import {
  approvalRow,
  codeRow,
  contextRow,
  deviceRow,
  eventRow,
  jobRow,
  targetRow,
  telemetryRow,
} from '../store/rows.ts';
import { TestEngine } from './engine.ts';

/** Small by their nature, or read whole because the whole is what was asked for. */
const SMALL: Readonly<Record<string, string>> = {
  user_grant: 'who may do what: read whole at the start and by user.list',
  kysely_migration: 'one row a migration',
  kysely_migration_lock: 'one row',
  sqlite_master: 'the schema itself',
  sqlite_schema: 'the schema itself',
  secret: 'a handful of keys',
};

const GUID = '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a001';
const NOW = new Date().toISOString();
const READS = [
  '/status',
  '/doctor',
  '/config',
  '/me',
  '/users',
  '/audit/verify',
  ...[
    '',
    'cursor=3',
    'actor=root',
    'action=user.grant',
    'target=x',
    `since=${NOW}`,
    'actor=root&action=x&target=y',
  ].map((query) => `/audit?${query}`),
  '/events/past',
  '/events/past?cursor=9',
  '/events/past?device=web1&type=device.online',
  '/codes',
  '/codes?all=true',
  '/approvals',
  '/approvals?all=true',
  '/approvals/approval1',
  '/approvals/appro',
  ...[
    '',
    'cursor=d2ViMQ',
    'state=online',
    'state=offline',
    'state=quarantined',
    'state=revoked',
    'state=pending',
    'site=berlin',
    'tag=role%3Dweb',
    'tag=role%3Dweb&tag=os%3Dlinux',
    'site=berlin&tag=role%3Dweb&state=offline',
  ].map((query) => `/devices?${query}`),
  '/devices/web1',
  '/devices/we',
  `/devices/${GUID}`,
  `/devices/${GUID.slice(0, 8)}`,
  '/devices/no-such-device',
  '/device-names?prefix=we',
  '/device-groups?of=site&prefix=be',
  '/device-groups?of=tag&prefix=ro',
  '/devices/web1/inventory',
  '/devices/web1/telemetry',
  `/devices/web1/telemetry?since=2020-01-01T00:00:00.000Z&until=${NOW}&points=10`,
  '/scripts',
  '/scripts/motd',
  '/jobs',
  '/jobs?limit=1',
  '/jobs?targets=true',
  ...['queued', 'running', 'succeeded', 'failed'].map((state) => `/jobs?state=${state}`),
  '/jobs/job1',
  '/jobs/job',
  '/shells',
  '/shells?device=web1',
  '/sessions',
  '/sessions?device=web1',
  '/sessions/abcdefghijkl',
  '/sessions/abc',
];

const spy = vi.spyOn(BetterSqlite3.prototype, 'prepare');
let engine: TestEngine;
beforeAll(async () => {
  const state = join(mkdtempSync(join(tmpdir(), 'borealis-plans-')), 'state');
  mkdirSync(state, { mode: 0o700 });
  await seed(join(state, 'borealis.db'));
  spy.mockClear();
  engine = await TestEngine.start({ state });
});
afterAll(async () => {
  spy.mockRestore();
  await engine.close();
});

test('no statement of the operations reads a whole table', async () => {
  const refused: string[] = [];
  for (const path of READS) {
    const answer = await engine.call('GET', path);
    if (answer.status >= 500 || answer.status === 400) refused.push(`${path}: ${answer.text}`);
  }
  expect(refused).toEqual([]);
  const watching = engine.watch('/events?after=0');
  await watching.take(2);
  await watching.close();
  await engine.call('POST', '/codes', { address: 'engine.example' });
  await engine.call('POST', '/approvals/approval1/approve', {});
  await engine.call('PATCH', '/devices/web1', { name: 'web9' });
  await engine.call('PUT', '/devices/web9/tags', { set: { role: 'web' }, site: 'berlin' });
  await engine.call('POST', '/devices/web9/quarantine', {});
  await engine.call('DELETE', '/devices/web9');

  const texts = new Set(
    spy.mock.calls
      .map(([text]) => text)
      .filter((text) => /^\s*(select|update|delete|insert|with)\b/i.test(text)),
  );
  expect(texts.size).toBeGreaterThan(60);
  const db = new BetterSqlite3(join(engine.state, 'borealis.db'), { readonly: true });
  const broken: string[] = [];
  for (const text of texts) {
    for (const { detail } of explain(db, text)) {
      const table = /^SCAN (\w+)(?! USING)\b/.exec(detail)?.[1];
      if (table && !(table in SMALL)) broken.push(`${detail}: ${text}`);
    }
  }
  db.close();
  expect(broken).toEqual([]);
});

const explain = (db: BetterSqlite3.Database, text: string): { detail: string }[] => {
  const statement = db.prepare(`EXPLAIN QUERY PLAN ${text}`);
  const parameters = (text.match(/\?/g) ?? []).map(() => null);
  return statement.all(...parameters) as { detail: string }[];
};

const seed = async (path: string): Promise<void> => {
  const store = await SqliteStore.open(path);
  const now = Date.now();
  await store.write(async ({ db }) => {
    await db
      .insertInto('device')
      .values(deviceRow({ guid: GUID, name: 'web1' }))
      .execute();
    await db
      .insertInto('device_context')
      .values(contextRow(GUID, 'B'.repeat(43)))
      .execute();
    await db
      .insertInto('telemetry')
      .values(telemetryRow(GUID, now - 1_000))
      .execute();
    await db
      .insertInto('enrolment_code')
      .values(codeRow('code1', now, now + 3_600_000))
      .execute();
    await db
      .insertInto('approval')
      .values({
        ...approvalRow('approval1', 'code1', now, now + 3_600_000),
        state: 'waiting',
        public_key: 'A'.repeat(43),
      })
      .execute();
    await db.insertInto('event').values(eventRow(1, now)).execute();
    await db
      .insertInto('job')
      .values(jobRow('job1', now, now))
      .execute();
    await db.insertInto('job_target').values(targetRow('job1', GUID)).execute();
  });
  await store.close();
};
