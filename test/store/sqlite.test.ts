import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BorealisError } from '../../src/protocol/errors.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import type { Transaction } from '../../src/store/store.ts';
import { type OpenStore, openStore } from './open.ts';

let open: OpenStore;
beforeEach(async () => {
  open = await openStore();
});
afterEach(() => open.close());

const put =
  (name: string, value = '') =>
  ({ db }: Transaction) =>
    db.insertInto('engine_fact').values({ name, value }).execute();
const names = async (store: SqliteStore = open.store): Promise<string[]> =>
  (await store.read.selectFrom('engine_fact').select('name').orderBy('name').execute()).map(
    (row) => row.name,
  );

describe('opening', () => {
  test('a new store has every table, is in WAL mode, and only its owner reads it', async () => {
    const db = new BetterSqlite3(open.path, { readonly: true });
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    expect(tables).toEqual(
      expect.arrayContaining(['device', 'job', 'audit', 'event', 'secret', 'telemetry']),
    );
    db.close();
    expect(statSync(open.path).mode & 0o777).toBe(0o600);
  });

  test('the present one is left as it is', async () => {
    await open.store.write(put('kept'));
    await open.store.close();
    const again = await SqliteStore.open(open.path);
    expect(await names(again)).toEqual(['kept']);
    await again.close();
  });

  test('one of a newer version is refused and not written to', async () => {
    await open.store.close();
    const db = new BetterSqlite3(open.path);
    db.prepare('INSERT INTO kysely_migration (name, timestamp) VALUES (?, ?)').run('9999-future', 'x');
    db.close();
    const before = statSync(open.path).mtimeMs;
    await expect(SqliteStore.open(open.path)).rejects.toMatchObject({
      code: 'STORE_NEWER',
      message: expect.stringContaining('9999-future'),
    });
    expect(statSync(open.path).mtimeMs).toBe(before);
  });

  test('a file that is no database is refused', async () => {
    const path = join(open.directory, 'other.db');
    writeFileSync(path, 'this is no database at all, but long enough to be looked at '.repeat(20));
    await expect(SqliteStore.open(path)).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });
});

describe('group commit', () => {
  test('work that fails is undone alone', async () => {
    const results = await Promise.allSettled([
      open.store.write(put('a')),
      open.store.write(async (tx) => {
        await put('half')(tx);
        throw new BorealisError('DEVICE_NOT_FOUND');
      }),
      open.store.write(put('b')),
      open.store.write(put('a')),
    ]);
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ]);
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({ code: 'DEVICE_NOT_FOUND' });
    expect(await names()).toEqual(['a', 'b']);
  });

  test('the value of the work is handed on', async () => {
    expect(await open.store.write(async () => 42)).toBe(42);
  });

  test('each work sees what the ones before it did', async () => {
    const seen = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        open.store.write(async (tx) => {
          await put(String(i).padStart(2, '0'))(tx);
          return (await tx.db.selectFrom('engine_fact').select('name').execute()).length;
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test('afterCommit runs once the change can be read, never when it was undone', async () => {
    const ran: string[] = [];
    const readInside = (label: string) => (tx: Transaction) => {
      tx.afterCommit(() => ran.push(label));
    };
    await Promise.allSettled([
      open.store.write(async (tx) => {
        readInside('one')(tx);
        await put('one')(tx);
      }),
      open.store.write(async (tx) => {
        readInside('undone')(tx);
        throw new Error('no');
      }),
      open.store.write(async (tx) => {
        await put('two')(tx);
        tx.afterCommit(() => {
          const db = new BetterSqlite3(open.path, { readonly: true });
          ran.push(...(db.prepare('SELECT name FROM engine_fact').pluck().all() as string[]));
          db.close();
        });
      }),
    ]);
    expect(ran).toEqual(['one', 'one', 'two']);
  });

  test('a thousand changes share few transactions', async () => {
    const before = walFrames();
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => open.store.write(put(`n${i}`))));
    // Each transaction of its own would write the head page of the tree, the leaf and the index anew: 3,000 pages.
    expect(walFrames() - before).toBeLessThan(1_000);
    expect((await names()).length).toBe(1_000);
  });

  test('who writes again and again lets others have their turn', async () => {
    let going = true;
    const writing = (async () => {
      for (let i = 0; going; i++) await open.store.write(put(`n${i}`));
    })();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    going = false;
    await writing;
    expect((await names()).length).toBeLessThanOrEqual(25);
  });

  test('close lets go of every file, whether or not anything was read or written', async () => {
    const again = await SqliteStore.open(open.path);
    await again.close();
    await open.store.close();
    const held = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // the descriptor that reads the directory
      }
    });
    expect(held.filter((path) => path.startsWith(open.directory))).toEqual([]);
  });

  test('writing after close is refused, what was accepted before is kept', async () => {
    const accepted = open.store.write(put('last'));
    const closing = open.store.close();
    await expect(open.store.write(put('late'))).rejects.toMatchObject({ code: 'ENGINE_STARTING' });
    await accepted;
    await closing;
    const again = await SqliteStore.open(open.path);
    expect(await names(again)).toEqual(['last']);
    await again.close();
  });

  test('it is alive until it is closed', async () => {
    expect(open.store.isAlive()).toBe(true);
    await open.store.close();
    expect(open.store.isAlive()).toBe(false);
  });
});

const walFrames = (): number => (statSync(`${open.path}-wal`).size - 32) / (4_096 + 24);

describe('kill -9', () => {
  /** Writes rows one after the other and together, and prints each number once it is acknowledged. */
  const writer = (path: string) => {
    const script = `
      import { SqliteStore } from ${JSON.stringify(join(import.meta.dirname, '../../src/store/sqlite.ts'))};
      const store = await SqliteStore.open(process.argv[1]);
      let next = Number(process.argv[2]);
      const one = async () => {
        for (;;) {
          const name = String(next++);
          await store.write(({ db }) => db.insertInto('engine_fact').values({ name, value: 'x'.repeat(200) }).execute());
          process.stdout.write(name + '\\n');
        }
      };
      for (let i = 0; i < 16; i++) one();
    `;
    return spawn(process.execPath, ['--input-type=module', '-e', script, path, String(Date.now() * 1_000)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  };

  test('nothing acknowledged is lost, and the store is whole, ten times over', {
    timeout: 300_000,
  }, async () => {
    await open.store.close();
    const acknowledged = new Set<string>();
    for (let round = 0; round < 10; round++) {
      const child = writer(open.path);
      const exited = new Promise((resolve) => child.once('exit', resolve));
      let here = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.add(line);
        // In the middle of whatever it is doing.
        if (++here === 50 + round * 37) child.kill('SIGKILL');
      }
      await exited;
    }
    const again = await SqliteStore.open(open.path);
    const kept = new Set(await names(again));
    expect([...acknowledged].filter((name) => !kept.has(name))).toEqual([]);
    expect(acknowledged.size).toBeGreaterThan(1_000);
    await again.close();
    const db = new BetterSqlite3(open.path);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    db.close();
  });
});

test('a copy made while it is in use is whole', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-copy-'));
  const path = join(directory, 'copy.db');
  await open.store.write(put('before'));
  let going = true;
  const writing = (async () => {
    for (let i = 0; going; i++) await open.store.write(put(`during ${i}`));
  })();
  await open.store.copyTo(path);
  going = false;
  await writing;
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const copy = await SqliteStore.open(path);
  expect(await names(copy)).toContain('before');
  await copy.close();
  rmSync(directory, { recursive: true, force: true });
});
