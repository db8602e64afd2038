/** One run of a pair's hook (docs/ha-hook.md): no shell, an environment of its own, bounded in time and in what is kept. */
import { homedir } from 'node:os';
import type { Readable } from 'node:stream';
import { BorealisError } from '../../protocol/errors.ts';
import { type GroupExit, type ProcessGroup, spawnGroup } from '../../sys/process-group.ts';
import { checkHook } from './hook-file.ts';
import { tether } from './tether.ts';

export type HookAction = 'attach' | 'detach';

export interface HookCall {
  readonly path: string;
  readonly action: HookAction;
  /** `192.0.2.10/24`. */
  readonly address: string;
  readonly interfaceName: string;
  /** BOREALIS_…; no secret is among them. */
  readonly facts: Readonly<Record<string, string>>;
}

const LIMIT_MS = 10_000;
const GRACE_MS = 500;
/** Characters of what it said, from the end, where the reason usually is. */
const SAID_MAX = 500;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Resolves when it has ended with 0. `started`: is told of the process group, to end it early. Errors: HA_HOOK_FAILED; the
 * hook, and all that it started, is dead by then.
 */
export const runHook = async (call: HookCall, started: (group: ProcessGroup) => void): Promise<void> => {
  const { path, action, address, interfaceName, facts } = call;
  const file = await checkHook(path);
  const group = await spawnGroup(file, [action, address, interfaceName], {
    cwd: '/',
    // HOME: programs of clouds have their configuration there.
    env: { PATH, HOME: homedir(), LC_ALL: 'C', ...facts },
    timeoutMs: LIMIT_MS,
    graceMs: GRACE_MS,
  }).catch((cause: unknown) => {
    throw new BorealisError('HA_HOOK_FAILED', { detail: `${path}: ${(cause as Error).message}`, cause });
  });
  // What an agent that is killed leaves to end in its own time could take the address back from the other node.
  const tied = tether(group.pid, () => group.kill());
  started(group);
  group.stdout.resume();
  const said = endOf(group.stderr);
  const exit = await group.exited;
  tied.release();
  if (exit.exitCode === 0 && !exit.timedOut) return;
  const words = said();
  throw new BorealisError('HA_HOOK_FAILED', {
    detail: `${path} ${action} ${how(exit)}${words ? `: ${words}` : '.'}`,
  });
};

const how = ({ exitCode, signal, timedOut }: GroupExit): string => {
  if (timedOut) return `did not end within ${LIMIT_MS / 1_000} s`;
  return signal ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
};

/** What is read is kept from the end only; on one line, without what would act on a terminal. */
const endOf = (stream: Readable): (() => string) => {
  let kept = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-SAID_MAX);
  });
  return () => kept.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
};
