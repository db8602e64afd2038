/** Where quickstart keeps what it makes: one directory, in the checkout unless BOREALIS_STATE names another. */
import { join, resolve } from 'node:path';
import { engineSocketPath } from '../../../sys/state-paths.ts';
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
  const named = env.BOREALIS_STATE ? resolve(env.BOREALIS_STATE) : undefined;
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
