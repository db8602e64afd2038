/** audit.verify against a store that somebody changed behind the engine's back. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AUDIT_HEAD, type AuditEntry, auditHash } from '../../../src/daemon/audit/trail.ts';
import type { OutputOf } from '../../../src/protocol/operations.ts';
import type { AuditTable } from '../../../src/store/schema.ts';
import { TestEngine } from '../engine.ts';

type Verdict = OutputOf<'audit.verify'>;
const RECORDS = 12;

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start();
  for (let i = 0; i < RECORDS / 2; i++) {
    await engine.call('PUT', '/users/nobody', { role: 'viewer' });
    await engine.call('DELETE', '/users/nobody');
  }
});
afterEach(() => engine.close());

const verify = async (): Promise<Verdict> => (await engine.call('GET', '/audit/verify')).body as Verdict;

/** As root with sqlite3 on the file would. */
const tamper = (change: (db: BetterSqlite3.Database) => void): void => {
  const db = new BetterSqlite3(join(engine.state, 'borealis.db'));
  change(db);
  db.close();
};
const row = (db: BetterSqlite3.Database, seq: number): AuditTable =>
  db.prepare('SELECT * FROM audit WHERE seq = ?').get(seq) as AuditTable;
const entryOf = ({ hash: _, ...entry }: AuditTable): AuditEntry => entry;

test('an untouched chain is intact', async () => {
  const verdict = await verify();
  expect(verdict).toMatchObject({ intact: true, records: RECORDS, break: null });
  expect(verdict.head).toMatch(/^[0-9a-f]{64}$/);
});

test('an engine that changed nothing yet has an intact, empty chain', async () => {
  const fresh = await TestEngine.start();
  expect((await fresh.call('GET', '/audit/verify')).body).toEqual({
    intact: true,
    records: 0,
    head: null,
    break: null,
  });
  await fresh.close();
});

test('the chain goes on over a restart', async () => {
  await engine.close({ keep: true });
  engine = await TestEngine.start({ state: engine.state });
  await engine.call('PUT', '/users/nobody', { role: 'viewer' });
  expect(await verify()).toMatchObject({ intact: true, records: RECORDS + 1 });
});

describe('finds', () => {
  test.each(['at', 'actor', 'action', 'target', 'result', 'detail_json', 'previous', 'hash'] as const)(
    'a changed %s',
    async (column) => {
      tamper((db) =>
        db.prepare(`UPDATE audit SET ${column} = ? WHERE seq = 5`).run(column === 'at' ? 1 : '"x"'),
      );
      expect(await verify()).toMatchObject({ intact: false, break: { seq: 5, kind: 'changed' } });
    },
  );

  test('a record that was changed and hashed anew', async () => {
    tamper((db) => {
      const changed = { ...entryOf(row(db, 5)), actor: 'somebody-else' };
      db.prepare('UPDATE audit SET actor = ?, hash = ? WHERE seq = 5').run(changed.actor, auditHash(changed));
    });
    expect(await verify()).toMatchObject({ intact: false, break: { seq: 5, kind: 'changed' } });
  });

  test('a chain that was made whole again from a changed record on, head and all', async () => {
    tamper((db) => {
      let previous = row(db, 4).hash;
      for (let seq = 5; seq <= RECORDS; seq++) {
        const entry = { ...entryOf(row(db, seq)), previous, ...(seq === 5 && { actor: 'somebody-else' }) };
        previous = auditHash(entry);
        db.prepare('UPDATE audit SET actor = ?, previous = ?, hash = ? WHERE seq = ?').run(
          entry.actor,
          entry.previous,
          previous,
          seq,
        );
      }
      const head = db
        .prepare('SELECT value FROM engine_fact WHERE name = ?')
        .pluck()
        .get(AUDIT_HEAD) as string;
      const code = head.split(' ')[2]!;
      db.prepare('UPDATE engine_fact SET value = ? WHERE name = ?').run(
        `${RECORDS} ${previous} ${code}`,
        AUDIT_HEAD,
      );
    });
    expect(await verify()).toMatchObject({ intact: false, break: { kind: 'truncated' } });
  });

  test('a removed record', async () => {
    tamper((db) => db.exec('DELETE FROM audit WHERE seq = 7'));
    expect(await verify()).toMatchObject({
      intact: false,
      records: 6,
      break: { seq: 7, kind: 'removed', message: 'Record 7 is missing.' },
    });
  });

  test('a removed beginning', async () => {
    tamper((db) => db.exec('DELETE FROM audit WHERE seq <= 3'));
    expect(await verify()).toMatchObject({ intact: false, break: { seq: 1, kind: 'removed' } });
  });

  test('two records that changed places', async () => {
    tamper((db) =>
      db.exec(
        'UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 9; UPDATE audit SET seq = 9 WHERE seq = 99',
      ),
    );
    expect(await verify()).toMatchObject({
      intact: false,
      break: { seq: 4, kind: 'reordered', message: 'Record 4 was written as record 9.' },
    });
  });

  test('a removed record whose successors were renumbered', async () => {
    tamper((db) => {
      db.exec('DELETE FROM audit WHERE seq = 5');
      for (let seq = 6; seq <= RECORDS; seq++)
        db.exec(`UPDATE audit SET seq = ${seq - 1} WHERE seq = ${seq}`);
    });
    expect(await verify()).toMatchObject({ intact: false, break: { seq: 5, kind: 'reordered' } });
  });

  test('a cut-off end', async () => {
    tamper((db) => db.exec(`DELETE FROM audit WHERE seq > ${RECORDS - 2}`));
    expect(await verify()).toMatchObject({
      intact: false,
      records: RECORDS - 2,
      break: { seq: RECORDS - 1, kind: 'truncated' },
    });
  });

  test('a cut-off end with a head of an earlier time', async () => {
    const head = (db: BetterSqlite3.Database): string =>
      db.prepare('SELECT value FROM engine_fact WHERE name = ?').pluck().get(AUDIT_HEAD) as string;
    tamper((db) => {
      const { hash } = row(db, RECORDS - 2);
      const code = head(db).split(' ')[2]!;
      db.exec(`DELETE FROM audit WHERE seq > ${RECORDS - 2}`);
      db.prepare('UPDATE engine_fact SET value = ? WHERE name = ?').run(
        `${RECORDS - 2} ${hash} ${code}`,
        AUDIT_HEAD,
      );
    });
    expect(await verify()).toMatchObject({ intact: false, break: { kind: 'truncated' } });
  });

  test('everything removed', async () => {
    tamper((db) => db.exec('DELETE FROM audit'));
    expect(await verify()).toMatchObject({ intact: false, break: { seq: 1, kind: 'truncated' } });
  });

  test('a record that the engine did not write', async () => {
    tamper((db) => {
      const last = row(db, RECORDS);
      const forged = { ...entryOf(last), seq: RECORDS + 1, previous: last.hash, actor: 'nobody' };
      db.prepare(
        'INSERT INTO audit VALUES (@seq, @at, @actor, @action, @target, @result, @detail_json, @previous, @hash)',
      ).run({ ...forged, hash: auditHash(forged) });
    });
    expect(await verify()).toMatchObject({ intact: false, break: { kind: 'truncated' } });
  });
});
