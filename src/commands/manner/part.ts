/** Parts of the program in bundles of their own (scripts/build.ts): what one command needs must not slow the others. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from '../../client/client.ts';
import { programRoot } from './program.ts';

/**
 * What the part's entry exports. An `.mjs` is loaded as a module. A part has its own copies of our classes: errors are
 * known by their `code`, not by `instanceof`.
 */
export const loadPart = async <T>(file: string): Promise<T> => {
  const path = join(programRoot(), 'dist', file);
  if (file.endsWith('.mjs')) return (await import(pathToFileURL(path).href)) as T;
  return createRequire(path)(path) as T;
};

interface Board {
  readonly client: Client;
  readonly signal: AbortSignal;
  readonly colour: boolean;
}

/** src/tui/wallboard/main.ts, as seen from here. */
interface WallboardPart {
  show(options: Board & { readonly secondsPerPage: number }): Promise<void>;
  numbers(options: Pick<Board, 'client' | 'signal'>, tell: (summary: unknown) => void): Promise<void>;
  devices(options: Board & { readonly devices: readonly string[] }): Promise<void>;
}

export const loadWallboard = (): Promise<WallboardPart> => loadPart('borealis-wallboard.cjs');
