/** Streams that outlive a restart of the engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../../client/client.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Output } from './output.ts';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;
const STATUS_MS = 5_000;

export interface Resumption {
  readonly client: Client;
  readonly out: Output;
  readonly signal: AbortSignal;
  /** How long the engine may be away. */
  readonly patienceMs: number;
  /** What happened meanwhile was not told. */
  readonly onBack?: () => void;
}

/**
 * What `open` tells; when the engine goes away in the middle, that is said, and `open` is called again once it is back.
 * Errors: as `open`; an engine that cannot be reached at the beginning is not waited for.
 */
export async function* resumed<T>(
  open: () => AsyncGenerator<T, void, undefined>,
  { client, out, signal, patienceMs, onBack }: Resumption,
): AsyncGenerator<T, void, undefined> {
  let reached = false;
  for (;;) {
    try {
      for await (const message of open()) {
        reached = true;
        yield message;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isAway(error) || !(reached || wasConnected(error))) throw error;
      out.note('The engine went away; waiting for it.', 'yellow');
      if (!(await isBack(client, signal, patienceMs))) {
        if (signal.aborted) return;
        throw error;
      }
      reached = true;
      onBack?.();
      out.note('The engine is back.', 'green');
    }
  }
}

const isAway = (error: unknown): error is BorealisError =>
  error instanceof BorealisError && (error.code === 'ENGINE_STARTING' || error.code === 'ENGINE_UNREACHABLE');

/** Rather than refused by connect(2). */
const wasConnected = ({ cause }: BorealisError): boolean =>
  (cause as NodeJS.ErrnoException | undefined)?.syscall !== 'connect';

const isBack = async (client: Client, signal: AbortSignal, patienceMs: number): Promise<boolean> => {
  const until = performance.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; performance.now() < until; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      await sleep(pause, undefined, { signal });
      if ((await client.call('status.show', {}, { signal, timeoutMs: STATUS_MS })).ready) return true;
    } catch (error) {
      if (signal.aborted) return false;
      if (!isAway(error) && !(error instanceof BorealisError && error.code === 'TIMED_OUT')) throw error;
    }
  }
  return false;
};
