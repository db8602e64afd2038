import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite.ts';

let directory: string;
let store: SqliteStore;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-store-'));
  store = await SqliteStore.open(join(directory, 'borealis.db'));
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const names = () => store.read.selectFrom('engine_fact').select('name').orderBy('name');

test('a limit is in the text, so that SQLite does not plan anew for each value', async () => {
  const { sql, parameters } = names().limit(2).compile();
  expect(sql).toMatch(/limit 2$/);
  expect(parameters).toEqual([]);
  await store.write(async (tx) => {
    for (const name of ['a', 'b', 'c'])
      await tx.db.insertInto('engine_fact').values({ name, value: '' }).execute();
  });
  expect(await names().limit(2).execute()).toEqual([{ name: 'a' }, { name: 'b' }]);
  expect(await names().limit(0).execute()).toEqual([]);
});

test('a limit that is no whole number never gets into the text', () => {
  expect(() => names().limit(1.5).compile()).toThrow(RangeError);
  expect(() =>
    names()
      .limit('1; drop table device' as unknown as number)
      .compile(),
  ).toThrow();
});
