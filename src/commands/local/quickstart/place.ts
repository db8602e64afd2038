/**
 * Where quickstart keeps what it makes: one directory, in the checkout unless BOREALIS_STATE names another. Whoever may
 * not write to the checkout has it in a state directory of their own.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { engineSocketPath, engineStateDirectory } from '../../../sys/state-paths.ts';
import { checkoutState } from '../../manner/program.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface QuickstartPlace {
  /** Holds both of the others, and nothing else of ours. */
  readonly root: string;
  readonly engine: string;
  readonly agent: string;
  readonly socket: string;
  /** What the two are started with: nothing of the caller's that could lead them to another place. */
  readonly env: Environment;
}

/** Errors: PATH_TOO_LONG. */
export const quickstartPlace = (env: Environment): QuickstartPlace => {
  const own = isOurs(checkoutState()) ? undefined : engineStateDirectory(env);
  const named = env.BOREALIS_STATE ? resolve(env.BOREALIS_STATE) : own;
  const engine = named ?? join(checkoutState(), 'engine');
  const agent = named === undefined ? join(checkoutState(), 'agent') : join(named, 'agent');
  const ours = /^BOREALIS_(STATE|SOCKET|CONFIG|HOST|AGENT_(STATE|CONFIG|CONTEXT|LINK))$/;
  return {
    root: named ?? checkoutState(),
    engine,
    agent: env.BOREALIS_AGENT_STATE ? resolve(env.BOREALIS_AGENT_STATE) : agent,
    socket: engineSocketPath(engine),
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !ours.test(name))),
  };
};

const isOurs = (directory: string): boolean => {
  const engine = join(directory, 'engine');
  const nearest = [engine, directory, dirname(directory)].find((path) => existsSync(path));
  try {
    accessSync(nearest ?? '/', constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false; // somebody else's checkout
  }
};
