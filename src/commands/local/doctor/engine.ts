/** The way to the engine: its socket, its state directory, its port; and, where it answers, what it says itself. */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../../client/client.ts';
import type { Check, Status } from '../../../protocol/engine.ts';
import { BorealisError } from '../../../protocol/errors.ts';
import { found, ok, skipped } from '../../../sys/doctor/check.ts';
import { lockHolder } from '../../../sys/lock.ts';
import { parseSocketTable, portHolder } from '../../../sys/ports.ts';
import { processCommand } from '../../../sys/processes.ts';

const ANSWER_MS = 10_000;
const USUAL_PORT = 8_443;

export interface Reached {
  readonly check: Check;
  /** Undefined where it did not answer. */
  readonly status: Status | undefined;
}

export const socketCheck = async (client: Client, state: string): Promise<Reached> => {
  try {
    const status = await client.call('status.show', {}, { timeoutMs: ANSWER_MS });
    return { check: ok('engine', `The engine ${status.version} answers at ${client.socketPath}.`), status };
  } catch (error) {
    if (!(error instanceof BorealisError)) throw error;
    return { check: refusal(error, state), status: undefined };
  }
};

const refusal = (error: BorealisError, state: string): Check => {
  const holder = error.code === 'ENGINE_UNREACHABLE' ? lockHolder(state) : null;
  if (holder !== null) {
    const command = processCommand(holder);
    return found(
      'fail',
      'engine',
      `${error.message} Yet process ${holder}${command ? ` (${command})` : ''} holds ${state}.`,
      `See its log below ${join(state, 'logs')}; if it hangs: borealisctl daemon restart`,
    );
  }
  return found('fail', 'engine', error.message, error.next);
};

/** The engine refuses to start where others could read its secrets. */
export const permissionsCheck = (state: string): Check => {
  const wrong: string[] = [];
  for (const [path, forbidden] of [
    [state, 0o067],
    [join(state, 'master.key'), 0o077],
    [join(state, 'borealis.db'), 0o077],
    [join(state, 'run'), 0o027],
  ] as const) {
    try {
      const { mode } = lstatSync(path);
      if ((mode & forbidden) !== 0) wrong.push(`${path} (mode ${(mode & 0o777).toString(8)})`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES')
        return ok('permissions', `${state} is closed to you, as it should be to strangers.`);
      if (code !== 'ENOENT') throw error;
    }
  }
  if (wrong.length === 0) return ok('permissions', `Nobody else can read or change what is in ${state}.`);
  return found('fail', 'permissions', `Open to others: ${wrong.join(', ')}.`, `chmod -R go-rwx ${state}`);
};

/** The port on which agents reach the engine: the engine's own, or free. */
export const portCheck = async (state: string, status: Status | undefined): Promise<Check> => {
  const own = status?.listeners.find(({ kind }) => kind === 'agent')?.address;
  const port = Number(/:(\d+)$/.exec(own ?? configuredListen(state) ?? '')?.[1] ?? USUAL_PORT);
  if (status) {
    if (isListenedAt(port)) return ok('port', `Agents reach the engine at port ${port}.`);
    const message = `The engine says that it listens at port ${port}, but it does not.`;
    return found('fail', 'port', message, 'borealisctl daemon restart');
  }
  if (port === 0) return skipped('port', 'The system chooses the port.');
  const holder = await portHolder(port, 'tcp');
  if (!holder) return ok('port', `Port ${port} is free for the engine.`);
  const who =
    holder.pid === null
      ? 'a process of another user'
      : `process ${holder.pid} (${holder.command ?? 'unnamed'})`;
  return found(
    'fail',
    'port',
    `Port ${port} is taken by ${who}.`,
    'End that, or choose another: borealisctl daemon start --listen 0.0.0.0:8444',
  );
};

/** Whose it is, the engine has told; to find out would take a look at every process. */
const isListenedAt = (port: number): boolean =>
  ['/proc/net/tcp', '/proc/net/tcp6'].some((table) => {
    try {
      return parseSocketTable(readFileSync(table, 'utf8'), port, '0A').length > 0;
    } catch {
      return false; // a kernel without IPv6 has no second table
    }
  });

const configuredListen = (state: string): string | undefined => {
  if (process.env.BOREALIS_LISTEN) return process.env.BOREALIS_LISTEN;
  try {
    return /^\s*listen\s*=\s*["']([^"']+)["']/m.exec(
      readFileSync(join(state, 'borealisd.toml'), 'utf8'),
    )?.[1];
  } catch {
    return undefined; // no file, or not ours to read: the usual port
  }
};
