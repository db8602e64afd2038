/**
 * A statement that is run for each of many rows: compiled by Kysely once, prepared by the store once. Measured, that is
 * as fast as one statement over many rows, and its text does not change with their number.
 */
import { type Compilable, CompiledQuery, sql } from 'kysely';
import { statementsOf } from './statements.ts';
import type { Database } from './store.ts';

export class Compiled<const V extends readonly unknown[]> {
  readonly #query: Compilable | ((db: Database) => Compilable);
  #compiled: Text | undefined;

  /** `query` with any values; those of `run` take their places, in the order in which they stand in its text. */
  constructor(query: Compilable | ((db: Database) => Compilable)) {
    this.#query = query;
  }

  async run(db: Database, values: V): Promise<void> {
    this.#compiled ??= textOf(typeof this.#query === 'function' ? this.#query(db) : this.#query);
    const { sql } = demandCount(this.#compiled, values);
    const statements = statementsOf(db);
    // SQLite is done when it returns: the way through Kysely's drivers would take longer than its work.
    if (statements) statements.prepare(sql).run(values);
    else await db.executeQuery(CompiledQuery.raw(sql, [...values]));
  }
}

/**
 * A query that is asked often for little: compiled once, with other values each time. Building and compiling it anew
 * takes longer than SQLite's own answer does.
 */
export class CompiledSelect<Row, const V extends readonly unknown[]> {
  readonly #make: (db: Database) => Compilable<Row>;
  #compiled: Text | undefined;

  /** `make` with any values; those of `all` take their places, in the order in which they stand in the text. */
  constructor(make: (db: Database) => Compilable<Row>) {
    this.#make = make;
  }

  async all(db: Database, values: V): Promise<Row[]> {
    this.#compiled ??= textOf(this.#make(db));
    const { sql } = demandCount(this.#compiled, values);
    const statements = statementsOf(db);
    // SQLite answers at once, and to one caller at a time anyway: there is nothing to wait for.
    if (statements) return statements.prepare(sql).all(values) as Row[];
    const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(sql, [...values]));
    return rows;
  }
}

interface Text {
  readonly sql: string;
  /** Of values that it takes. */
  readonly count: number;
}

const textOf = (query: Compilable): Text => {
  const { sql, parameters } = query.compile();
  return { sql, count: parameters.length };
};

const demandCount = (text: Text, values: readonly unknown[]): Text => {
  if (values.length !== text.count) throw new RangeError(`the statement takes ${text.count} values`);
  return text;
};

/**
 * A value of a CompiledSelect that joins: where a value stands bare, SQLite plans the statement anew for each that is bound
 * (sqlite3_prepare_v3, on re-preparing), which takes four times as long as finding the row.
 */
export const boundText = <T extends string>(value: T) => sql<T>`cast(${value} as text)`;
