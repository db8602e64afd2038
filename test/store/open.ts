/** A store in a temporary directory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '../../src/store/sqlite.ts';

export interface OpenStore {
  readonly store: SqliteStore;
  readonly path: string;
  readonly directory: string;
  close(): Promise<void>;
}

export const openStore = async (): Promise<OpenStore> => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-store-'));
  const path = join(directory, 'borealis.db');
  const store = await SqliteStore.open(path);
  return {
    store,
    path,
    directory,
    close: async () => {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};
