/** A disk that is full: answered with an error, nothing half done, nothing corrupted, and it goes on once there is room. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { requires } from '../require.ts';

describe('a full disk', requires('root', 'tmpfs'), () => {
  let directory: string;
  beforeEach(() => {
    stores = [];
    directory = mkdtempSync(join(tmpdir(), 'borealis-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory]);
  });
  let stores: SqliteStore[];
  afterEach(async () => {
    for (const store of stores) await store.close();
    execFileSync('umount', [directory]);
    rmSync(directory, { recursive: true, force: true });
  });

  const put = (store: SqliteStore, name: string) =>
    store.write(async ({ db }) => {
      await db
        .insertInto('engine_fact')
        .values({ name: `${name} a`, value: 'x'.repeat(20_000) })
        .execute();
      await db
        .insertInto('engine_fact')
        .values({ name: `${name} b`, value: 'x'.repeat(20_000) })
        .execute();
    });
  const names = async (store: SqliteStore): Promise<Set<string>> =>
    new Set((await store.read.selectFrom('engine_fact').select('name').execute()).map((row) => row.name));

  test('DISK_FULL; nothing acknowledged is lost; writing goes on once there is room', async () => {
    const store = await SqliteStore.open(join(directory, 'borealis.db'));
    stores.push(store);
    const filler = join(directory, 'filler');
    writeFileSync(filler, Buffer.alloc(1_500_000));
    const acknowledged: string[] = [];
    let refused: unknown;
    for (let i = 0; refused === undefined; i++) {
      const name = `row ${i}`;
      await put(store, name).then(
        () => acknowledged.push(name),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'DISK_FULL' });
    expect(acknowledged.length).toBeGreaterThan(5);
    // Reading goes on, and again nothing can be written, alone or in company.
    const together = await Promise.allSettled([put(store, 'p'), put(store, 'q'), put(store, 'r')]);
    for (const result of together) {
      expect(result.status).toBe('rejected');
      expect((result as PromiseRejectedResult).reason).toMatchObject({ code: 'DISK_FULL' });
    }
    const kept = await names(store);
    for (const name of acknowledged) expect(kept).toContain(`${name} b`);
    expect(kept.size).toBe(acknowledged.length * 2);

    rmSync(filler);
    await put(store, 'after');
    await store.close();
    const again = await SqliteStore.open(join(directory, 'borealis.db'));
    expect((await names(again)).size).toBe(acknowledged.length * 2 + 2);
    await again.close();
    const db = new BetterSqlite3(join(directory, 'borealis.db'));
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    db.close();
  });

  test('an engine’s store cannot be made on it', async () => {
    const { bavail, bsize } = statfsSync(directory);
    writeFileSync(join(directory, 'filler'), Buffer.alloc(bavail * bsize - 8_192));
    await expect(SqliteStore.open(join(directory, 'borealis.db'))).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
  });
});
