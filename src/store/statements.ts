/**
 * Kysely prepares a statement for each query that it runs; the same few hundred texts come again and again. This
 * keeps the most recently used ones prepared.
 */
import type BetterSqlite3 from 'better-sqlite3';
import type { SqliteDatabase, SqliteStatement } from 'kysely';

const KEPT = 500;
/** Longer texts are bulk inserts of a particular length: unlikely to come again. */
const LONGEST = 4_000;

export const cachedStatements = (handle: BetterSqlite3.Database): SqliteDatabase => {
  const kept = new Map<string, SqliteStatement>();
  return {
    close: () => {
      kept.clear();
      handle.close();
    },
    prepare: (text) => {
      const found = kept.get(text);
      if (found) {
        kept.delete(text);
        kept.set(text, found);
        return found;
      }
      const statement = handle.prepare(text) as SqliteStatement;
      if (text.length > LONGEST) return statement;
      kept.set(text, statement);
      if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
      return statement;
    },
  };
};

/** The statements behind a Kysely of ours, for queries that are compiled already (compiled.ts). */
const behind = new WeakMap<object, SqliteDatabase>();
export const setStatements = (db: object, statements: SqliteDatabase): void =>
  void behind.set(db, statements);
export const statementsOf = (db: object): SqliteDatabase | undefined => behind.get(db);
