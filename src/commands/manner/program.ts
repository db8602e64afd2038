/** Where this program's files are, and where the engine that it speaks to keeps its state and its socket. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { engineSocketPath, engineStateDirectory, SYSTEM_ENGINE_STATE } from '../../sys/state-paths.ts';

type Environment = Readonly<Record<string, string | undefined>>;

let root: string | undefined;

/** The folder of package.json, bin and dist. */
export const programRoot = (): string => {
  if (root !== undefined) return root;
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  root = folder;
  return folder;
};

/** What `quickstart` makes in a checkout, engine and agent each below it. */
export const checkoutState = (): string => join(programRoot(), '.state');

/**
 * The engine's state directory: by flag, by BOREALIS_STATE, that of the quickstart of this checkout, the caller's own,
 * the installed service's. Of the last three the first in which an engine has its socket, then the first that exists.
 */
export const findState = (given: string | undefined, env: Environment): string => {
  const named = given ?? (env.BOREALIS_STATE || undefined);
  if (named !== undefined) return resolve(named);
  const own = engineStateDirectory(env);
  const candidates = [join(checkoutState(), 'engine'), own, SYSTEM_ENGINE_STATE];
  return (
    candidates.find((state) => isThere(engineSocketPath(state))) ??
    candidates.find((state) => isThere(state)) ??
    own
  );
};

/** By flag, by BOREALIS_SOCKET, otherwise in the state directory. Errors: PATH_TOO_LONG. */
export const findSocket = (given: string | undefined, env: Environment): string => {
  const named = given ?? (env.BOREALIS_SOCKET || undefined);
  return named === undefined ? engineSocketPath(findState(undefined, env)) : resolve(named);
};

/** Of the installed service even what may not be looked at counts: that is worth a better word than that it is not there. */
const isThere = (path: string): boolean => {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' && path.startsWith(SYSTEM_ENGINE_STATE);
  }
};
