/** A store that remembers the text of every query, so that a test can ask SQLite how it would answer them. */
import BetterSqlite3 from 'better-sqlite3';
import type { KyselyPlugin, QueryId, RootOperationNode } from 'kysely';
import type { Database, Store, Transaction } from '../../src/store/store.ts';

export class RecordingStore implements Store {
  readonly read: Database;
  readonly #inner: Store;
  readonly #texts = new Set<string>();

  constructor(inner: Store) {
    this.#inner = inner;
    this.read = this.#recorded(inner.read);
  }

  get driver() {
    return this.#inner.driver;
  }

  write<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#inner.write((tx) => work({ ...tx, db: this.#recorded(tx.db) }));
  }

  copyTo(path: string): Promise<void> {
    return this.#inner.copyTo(path);
  }

  get commits() {
    return this.#inner.commits;
  }

  sizeBytes(): Promise<number> {
    return this.#inner.sizeBytes();
  }

  isAlive(): boolean {
    return this.#inner.isAlive();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #recorded(db: Database): Database {
    const compile = (node: RootOperationNode, id: QueryId): string =>
      db.getExecutor().compileQuery(node, id).sql;
    const plugin: KyselyPlugin = {
      transformQuery: ({ node, queryId }) => {
        this.#texts.add(compile(node, queryId));
        return node;
      },
      transformResult: async ({ result }) => result,
    };
    return db.withPlugin(plugin);
  }

  /**
   * Steps of SQLite's plans that read a whole table or build an index for the occasion, with their query. Walking along
   * an index until a limit is reached is neither.
   */
  costly(path: string): { readonly step: string; readonly query: string }[] {
    const handle = new BetterSqlite3(path, { readonly: true });
    try {
      return [...this.#texts].flatMap((query) => {
        const steps = handle
          .prepare<unknown[], { detail: string }>(`explain query plan ${query}`)
          .all(...Array.from({ length: query.split('?').length - 1 }, () => null))
          .map(({ detail }) => detail);
        const limited = / limit \d+$/.test(query) && !steps.some((step) => step.includes('TEMP B-TREE'));
        return steps
          .filter((step) => /^SCAN (?!CONSTANT)|AUTOMATIC/.test(step))
          .filter((step) => !(limited && /USING (COVERING )?INDEX/.test(step)))
          .map((step) => ({ step, query }));
      });
    } finally {
      handle.close();
    }
  }

  get queries(): number {
    return this.#texts.size;
  }
}
