/**
 * Migrations are only appended: stores of every age are out there. What each of them makes of a store is written down
 * here; whoever needs another shape appends a migration, with its line.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrations } from '../../src/store/migrations/index.ts';
import type { Schema } from '../../src/store/schema.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { deviceRow } from './rows.ts';

/** The shape that a store has after each: the beginning of its SHA-256. */
const SHAPES: Readonly<Record<string, string>> = {
  '0001-foundation': 'af08a8263efde75d',
  '0002-tunnels': '057bbe212a722566',
  '0003-shells': 'c40f2be7479dc775',
  '0004-vpn': '53bfb886bf435ba1',
  '0006-ha': '83c0a3ee784c732d',
  '0007-vpn-nodes': '8ae70ae9fa34e75e',
  '0008-device-events': '9670f90818710ea1',
  '0009-vpn-leaving': '6bab0fb867ec4b27',
  '0010-ha-threshold': '22dab39a7317217f',
};
const names = Object.keys(migrations);

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-migrations-'));
  path = join(directory, 'borealis.db');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A store as an engine had it whose newest migration was `name`. */
const storeOf = async (name: string, fill?: (db: Kysely<Schema>) => Promise<unknown>): Promise<void> => {
  const db = new Kysely<Schema>({ dialect: new SqliteDialect({ database: new BetterSqlite3(path) }) });
  const seen = Object.fromEntries(Object.entries(migrations).filter(([other]) => other <= name));
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => seen },
  }).migrateToLatest();
  expect(error).toBeUndefined();
  await fill?.(db);
  await db.destroy();
};

/** Columns, keys and indexes of all tables, in an order of their own; not the words that they were made with. */
const shape = (): object => {
  const db = new BetterSqlite3(path, { readonly: true });
  const ask = (pragma: string): Record<string, unknown>[] => db.pragma(pragma) as Record<string, unknown>[];
  const sorted = (rows: unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck();
  const found = (tables.all() as string[])
    .filter((table) => !/^(kysely|sqlite)_/.test(table))
    .map((table) => [
      table,
      sorted(ask(`table_xinfo(${table})`).map(({ cid: _, ...column }) => column)),
      sorted(ask(`foreign_key_list(${table})`).map(({ id: _, ...key }) => key)),
      sorted(
        ask(`index_list(${table})`).map(({ seq: _, ...index }) => [
          index,
          ask(`index_xinfo(${index.name})`).map(({ name, desc, coll, key }) => [name, desc, coll, key]),
        ]),
      ),
    ]);
  db.close();
  return Object.fromEntries(found.map(([table, ...rest]) => [table, rest]));
};
const digest = (): string => createHash('sha256').update(JSON.stringify(shape())).digest('hex').slice(0, 16);

test('each stands in its place: none is missing, moved or put between', () => {
  expect(names).toEqual(Object.keys(SHAPES));
  expect(names).toEqual(names.toSorted());
});

describe.each(names)('%s', (name) => {
  test('makes of a store what it always made', async () => {
    await storeOf(name);
    expect(digest(), 'a migration that engines have run is never edited: append another').toBe(SHAPES[name]);
  });

  test('a store of that age is brought up to date, and has what it had', async () => {
    await storeOf(name, (db) =>
      db
        .insertInto('device')
        .values(deviceRow({ guid: 'g', name: 'web-1' }))
        .execute(),
    );
    const store = await SqliteStore.open(path);
    const devices = await store.read.selectFrom('device').select(['guid', 'name', 'state']).execute();
    await store.close();
    expect(devices).toEqual([{ guid: 'g', name: 'web-1', state: 'active' }]);
    expect(digest()).toBe(SHAPES[names.at(-1)!]);
  });
});
