/**
 * What capabilities see of the store: a Kysely to read with, and `write`, which resolves when the change is on
 * disk. Nothing here is particular to SQLite, so that PostgreSQL can stand behind it.
 */
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';

export type Database = Kysely<Schema>;

/** One change in the making. */
export interface Transaction {
  readonly db: Database;
  /** Runs once the change is on disk; never when it was undone. Must not throw. */
  afterCommit(run: () => void): void;
}

export interface Store {
  /** For reading, outside of any write. */
  readonly read: Database;
  /**
   * Runs `work` in a transaction of its own: all of it or nothing. Resolves once it would survive `kill -9` and
   * power loss. `work` must await nothing but queries on the transaction that it is given.
   * Errors: what `work` throws; DISK_FULL and STORE_FAILED where the disk refused.
   */
  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** A consistent copy of the whole store, made while it is in use, as a file of its own. */
  copyTo(path: string): Promise<void>;
  readonly driver: 'sqlite' | 'postgresql';
  /** Grows with each transaction that was committed: what was read at one number holds until the next. */
  readonly commits: number;
  /** Bytes on disk, what is not yet folded into the main file included. */
  sizeBytes(): Promise<number>;
  /** Whether the store answers and its writes get on. Quick; may throw where it does not answer. */
  isAlive(): boolean;
  close(): Promise<void>;
}
