/** Where the state of engine and agent lives when nobody says otherwise: one directory each, all below it. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { checkSocketPath } from './socket-address.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const currentUid = (): number => process.getuid?.() ?? -1;

/** /var/lib/borealis as root, otherwise `borealis` in the XDG state directory. */
export const engineStateDirectory = (env: Environment, uid: number = currentUid()): string =>
  stateDirectory('borealis', env, uid);

/** /var/lib/borealis-agent as root, otherwise `borealis-agent` in the XDG state directory. */
export const agentStateDirectory = (env: Environment, uid: number = currentUid()): string =>
  stateDirectory('borealis-agent', env, uid);

/** Where the installed service keeps its state, whoever asks. */
export const SYSTEM_ENGINE_STATE = '/var/lib/borealis';
export const SYSTEM_AGENT_STATE = '/var/lib/borealis-agent';

/** The key that opens the sealed part of an agent's state, and so is not in it (docs/adr/0005). */
export const agentSealKey = (stateDirectory: string): string => {
  const state = resolve(stateDirectory);
  // A backup of /var or a copy of that disk has one without the other.
  return state === SYSTEM_AGENT_STATE ? '/etc/borealis-agent.key' : `${state}.key`;
};

/** Errors: PATH_TOO_LONG. */
export const engineSocketPath = (stateDirectory: string): string =>
  checkSocketPath(usualSocket(stateDirectory));

/** Whether the path is that of the engine's own socket in its state directory, however it is written. */
export const isEngineSocket = (stateDirectory: string, path: string): boolean =>
  resolve(path) === usualSocket(stateDirectory);

const usualSocket = (stateDirectory: string): string => resolve(stateDirectory, 'run', 'borealisd.sock');

const stateDirectory = (name: string, env: Environment, uid: number): string => {
  if (uid === 0) return join('/var/lib', name);
  const { XDG_STATE_HOME: xdg, HOME: home } = env;
  // The XDG base directory specification wants relative paths ignored.
  if (xdg && isAbsolute(xdg)) return join(xdg, name);
  return join(home && isAbsolute(home) ? home : homedir(), '.local', 'state', name);
};
