/** SQLite behind `Store`: WAL, synchronous=FULL, one writer with group commit, one reader that never waits for it. */
import { chmodSync, statSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { BorealisError } from '../protocol/errors.ts';
import { LiteralLimitDialect } from './literal-limit.ts';
import { migrations } from './migrations/index.ts';
import type { Schema } from './schema.ts';
import { cachedStatements, setStatements } from './statements.ts';
import type { Database, Store, Transaction } from './store.ts';

interface Waiting {
  run(db: Database): Promise<void>;
  settle(error?: unknown): void;
}

/** Work that arrives while a transaction runs shares the next one, and with it one fsync. */
const BATCH_LIMIT = 512;
/** A transaction that takes longer than this will not end any more. */
const STUCK_MS = 30_000;

/** SQLite's result codes (sqlite.org/rescode.html), translated once, here. */
const translate = (error: unknown): unknown => {
  if (!(error instanceof BetterSqlite3.SqliteError)) return error;
  // SHMSIZE: there is no room for the WAL's index.
  if (/^SQLITE_(FULL|IOERR_SHMSIZE)$/.test(error.code))
    return new BorealisError('DISK_FULL', { cause: error });
  if (/^SQLITE_(IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|BUSY)/.test(error.code)) {
    return new BorealisError('STORE_FAILED', { detail: `SQLite says ${error.code}.`, cause: error });
  }
  return error;
};

export class SqliteStore implements Store {
  readonly driver = 'sqlite' as const;
  readonly read: Database;
  readonly #path: string;
  readonly #writeHandle: BetterSqlite3.Database;
  readonly #readHandle: BetterSqlite3.Database;
  readonly #writer: Database;
  #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;
  #commits = 0;
  /** When the transaction under way began; `performance.now()`. */
  #committingSince: number | undefined;

  private constructor(path: string, writeHandle: BetterSqlite3.Database, readHandle: BetterSqlite3.Database) {
    this.#path = path;
    this.#writeHandle = writeHandle;
    this.#readHandle = readHandle;
    this.#writer = kyselyOver(writeHandle);
    this.read = kyselyOver(readHandle);
  }

  /**
   * Opens or creates the store at `path` and runs the migrations that it has not seen.
   * Errors: STORE_NEWER, STORE_FAILED, DISK_FULL.
   */
  static async open(path: string): Promise<SqliteStore> {
    let writeHandle: BetterSqlite3.Database | undefined;
    try {
      writeHandle = new BetterSqlite3(path);
      chmodSync(path, 0o600);
      writeHandle.pragma('journal_mode = WAL');
      writeHandle.pragma('synchronous = FULL');
      writeHandle.pragma('foreign_keys = ON');
      writeHandle.pragma('busy_timeout = 5000');
      writeHandle.pragma('journal_size_limit = 67108864');
      await migrate(kyselyOver(writeHandle));
      const readHandle = new BetterSqlite3(path, { readonly: true });
      return new SqliteStore(path, writeHandle, readHandle);
    } catch (error) {
      writeHandle?.close();
      throw translate(error);
    }
  }

  /**
   * Reads the whole file at `path` and checks that it is a store that this version can take over; `look` may look for
   * more. Errors: BACKUP_UNREADABLE, STORE_NEWER, those of `look`.
   */
  static async check(path: string, look: (db: Database) => Promise<void> = async () => {}): Promise<void> {
    let handle: BetterSqlite3.Database | undefined;
    try {
      handle = new BetterSqlite3(path, { readonly: true, fileMustExist: true });
      const found = handle.pragma('integrity_check', { simple: true });
      if (found !== 'ok')
        throw new BorealisError('BACKUP_UNREADABLE', { detail: `The store in it is damaged: ${found}.` });
      const db = kyselyOver(handle);
      await refuseNewer(db);
      await look(db);
    } catch (error) {
      if (!(error instanceof BetterSqlite3.SqliteError)) throw error;
      throw new BorealisError('BACKUP_UNREADABLE', {
        detail: 'The store in it cannot be opened.',
        cause: error,
      });
    } finally {
      handle?.close();
    }
  }

  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new BorealisError('ENGINE_STARTING'));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let value: T;
    const afterCommit: (() => void)[] = [];
    this.#queue.push({
      run: async (db) => {
        value = await work({ db, afterCommit: (run) => afterCommit.push(run) });
      },
      settle: (error) => {
        if (error !== undefined) return reject(translate(error));
        for (const run of afterCommit) run();
        resolve(value);
      },
    });
    this.#draining ??= this.#drain();
    return promise;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      // One turn of the loop lets everything that is on its way join the transaction, and everybody else go on: whoever
      // writes again as soon as the last write is done would otherwise keep the loop from ever turning.
      await new Promise<void>((next) => setImmediate(next));
      this.#committingSince = performance.now();
      await this.#commit(this.#queue.splice(0, BATCH_LIMIT));
    }
    this.#committingSince = undefined;
    this.#draining = undefined;
  }

  async #commit(batch: Waiting[]): Promise<void> {
    const handle = this.#writeHandle;
    const failed = new Map<Waiting, unknown>();
    try {
      handle.exec('BEGIN IMMEDIATE');
      for (const waiting of batch) {
        handle.exec('SAVEPOINT work');
        try {
          await waiting.run(this.#writer);
        } catch (error) {
          failed.set(waiting, error);
          // A full disk may have ended the whole transaction already; then there is nothing left to undo.
          if (!handle.inTransaction) throw error;
          handle.exec('ROLLBACK TO work');
        }
        handle.exec('RELEASE work');
      }
      handle.exec('COMMIT');
      this.#commits += 1;
    } catch (error) {
      if (handle.inTransaction) handle.exec('ROLLBACK');
      for (const waiting of batch) waiting.settle(failed.get(waiting) ?? error);
      return;
    }
    for (const waiting of batch) waiting.settle(failed.get(waiting));
  }

  async copyTo(path: string): Promise<void> {
    // Of a snapshot: sqlite3_backup begins anew whenever another connection has written, and one always does.
    const snapshot = new BetterSqlite3(this.#path, { readonly: true });
    try {
      snapshot.exec('BEGIN');
      snapshot.prepare('SELECT 1 FROM sqlite_schema').get();
      await snapshot.backup(path);
      chmodSync(path, 0o600);
    } catch (error) {
      throw translate(error);
    } finally {
      snapshot.close();
    }
  }

  get commits(): number {
    return this.#commits;
  }

  isAlive(): boolean {
    if (this.#closed) return false;
    if (this.#committingSince !== undefined && performance.now() - this.#committingSince > STUCK_MS)
      return false;
    return this.#readHandle.prepare('SELECT 1').get() !== undefined;
  }

  async sizeBytes(): Promise<number> {
    const log = statSync(`${this.#path}-wal`, { throwIfNoEntry: false });
    return statSync(this.#path).size + (log?.size ?? 0);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#draining;
    await this.read.destroy();
    await this.#writer.destroy();
    // Kysely closes only what it was asked something of.
    this.#readHandle.close();
    this.#writeHandle.close();
  }
}

const kyselyOver = (handle: BetterSqlite3.Database): Database => {
  const statements = cachedStatements(handle);
  const db = new Kysely<Schema>({ dialect: new LiteralLimitDialect({ database: statements }) });
  setStatements(db, statements);
  return db;
};

const migrate = async (db: Database): Promise<void> => {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const known = await migrator.getMigrations().catch(() => []);
  if (known.length > 0 && known.every((migration) => migration.executedAt !== undefined)) {
    await refuseNewer(db);
    return;
  }
  const { error } = await migrator.migrateToLatest();
  if (error) {
    if (/previously executed migration .* is missing/.test(String(error)))
      throw new BorealisError('STORE_NEWER', { cause: error });
    throw error;
  }
};

/** A migration that this version does not know was run by a newer one, whose tables we must not write to. */
const refuseNewer = async (db: Database): Promise<void> => {
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute();
  const stranger = rows.find((row) => !(row.name in migrations));
  if (stranger) throw new BorealisError('STORE_NEWER', { detail: `It holds migration ${stranger.name}.` });
};
