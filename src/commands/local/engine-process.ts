/** The engine as a process of this machine: started until it answers, stopped until it is gone. */
import { join } from 'node:path';
import { Client } from '../../client/client.ts';
import type { Status } from '../../protocol/engine.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { ensurePrivateDirectory } from '../../sys/files.ts';
import { lockHolder } from '../../sys/lock.ts';
import { withSystemFolders } from '../../sys/system-folders.ts';
import { failureFrom, startInBackground } from './spawn.ts';
import { until } from './wait.ts';

/** A store of many gigabytes that must be checked after a crash takes its time. */
const START_MS = 120_000;
const STOP_MS = 15_000;
/** An engine that is there answers at once; one that hangs must not hang us. */
const ANSWER_MS = 10_000;

export interface EngineStart {
  /** Absolute. */
  readonly state: string;
  readonly socket: string;
  /** Further flags of borealisd. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What is said of an engine that was started or was there. */
export interface Started {
  readonly status: Status;
  readonly already: boolean;
}

/** It looks for ip, nft and wg on its PATH, and says what is missing. */
export const engineEnvironment = (env: EngineStart['env']): EngineStart['env'] => ({
  ...env,
  PATH: withSystemFolders(env.PATH),
});

/** Where what the engine says at its start is kept. */
export const startOutput = (state: string): string => join(state, 'start.out');

/** Resolves when the engine answers. Errors: those with which it ended; TIMED_OUT. */
export const startEngine = async (start: EngineStart, signal?: AbortSignal): Promise<Started> => {
  const client = new Client(start.socket);
  const present = await statusOf(client);
  if (present) return { status: present, already: true };
  await ensurePrivateDirectory(start.state, 0o700, 0o710);
  const output = startOutput(start.state);
  const args = ['--state', start.state, '--socket', start.socket, ...start.args];
  const engine = startInBackground('borealisd', args, output, engineEnvironment(start.env));
  let how: string | undefined;
  void engine.ended.then((text) => {
    how = text;
  });
  const status = await until(
    START_MS,
    async () => (how === undefined ? await statusOf(client) : how),
    signal,
  );
  if (typeof status === 'object') {
    engine.release();
    return { status, already: false };
  }
  if (status !== undefined) throw failureFrom(output, status);
  engine.release();
  throw new BorealisError(signal?.aborted ? 'CANCELLED' : 'TIMED_OUT', {
    detail: `The engine, process ${engine.pid}, has not answered yet.`,
    next: `Look at its log below ${join(start.state, 'logs')}; stop it with: borealisctl daemon stop`,
  });
};

/** Undefined where no engine serves there yet. Errors: NOT_PERMITTED and the like, from one that does. */
export const statusOf = async (client: Client): Promise<Status | undefined> => {
  try {
    const status = await client.call('status.show', {}, { timeoutMs: ANSWER_MS });
    return status.ready ? status : undefined;
  } catch (error) {
    if (error instanceof BorealisError && error.code.startsWith('ENGINE_')) return undefined;
    throw error;
  }
};

/** Resolves with the number of the process that was ended; null where none ran. Errors: TIMED_OUT, NOT_PERMITTED. */
export const stopEngine = async (state: string, socket: string): Promise<number | null> => {
  const client = new Client(socket);
  const pid = (await askToStop(client)) ?? signalHolder(state);
  if (pid === null) return null;
  // The lock is the last thing that an engine lets go; where it may not be read, its silence must do.
  const gone = await until(STOP_MS, async () => lockHolder(state) !== pid && (await isSilent(client)));
  if (gone) return pid;
  throw new BorealisError('TIMED_OUT', {
    detail: `The engine, process ${pid}, still runs ${STOP_MS / 1_000} s after it was told to stop.`,
    next: `End it for good with: kill -9 ${pid}`,
  });
};

const askToStop = async (client: Client): Promise<number | null> => {
  try {
    return (await client.call('engine.stop', {}, { timeoutMs: ANSWER_MS })).pid;
  } catch (error) {
    const absent = error instanceof BorealisError && ['ENGINE_UNREACHABLE', 'TIMED_OUT'].includes(error.code);
    if (absent) return null;
    throw error;
  }
};

/** One that does not answer may still hold its state. */
const signalHolder = (state: string): number | null => {
  const holder = lockHolder(state);
  if (holder !== null) process.kill(holder, 'SIGTERM');
  return holder;
};

const isSilent = async (client: Client): Promise<boolean> => {
  try {
    await client.call('status.show', {}, { timeoutMs: ANSWER_MS });
    return false;
  } catch (error) {
    return error instanceof BorealisError && error.code === 'ENGINE_UNREACHABLE';
  }
};
