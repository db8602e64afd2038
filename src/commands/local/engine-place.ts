/** Which engine the `daemon` commands mean: its state directory and the socket in it. */
import { resolve } from 'node:path';
import { string } from '@oclif/core/flags';
import { engineSocketPath } from '../../sys/state-paths.ts';
import { findState } from '../manner/program.ts';

export const daemonFlags = {
  state: string({ helpValue: 'DIR', summary: 'Its state directory (BOREALIS_STATE does the same).' }),
};

interface Given {
  readonly state?: string | undefined;
  readonly socket?: string | undefined;
  readonly listen?: string | undefined;
  readonly config?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface EnginePlace {
  readonly state: string;
  readonly socket: string;
  /** The flags of borealisd, besides those of these two. */
  readonly args: readonly string[];
}

/** Errors: PATH_TOO_LONG. */
export const enginePlace = (given: Given, env: Environment): EnginePlace => {
  const state = findState(given.state, env);
  // A state that is named takes its own socket along; a socket in the environment may belong to another engine.
  const socket = given.socket ?? (given.state === undefined ? env.BOREALIS_SOCKET || undefined : undefined);
  return {
    state,
    socket: socket === undefined ? engineSocketPath(state) : resolve(socket),
    args: [
      ...(given.listen === undefined ? [] : ['--listen', given.listen]),
      ...(given.config === undefined ? [] : ['--config', resolve(given.config)]),
    ],
  };
};

/** Without what the flags above have settled. */
export const plainEnvironment = (env: Environment): Record<string, string | undefined> => {
  const { BOREALIS_STATE: _state, BOREALIS_SOCKET: _socket, ...rest } = env;
  return rest;
};
