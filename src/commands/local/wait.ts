/** Waiting for another process to get somewhere: asked again and again, in steps too short to be noticed. */
import { setTimeout as sleep } from 'node:timers/promises';

const STEP_MS = 25;

/** The first value that is neither undefined nor false. Undefined once `ms` have passed or `signal` is aborted. */
export const until = async <T>(
  ms: number,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  signal?: AbortSignal,
): Promise<T | undefined> => {
  const end = performance.now() + ms;
  for (;;) {
    const value = await ask();
    if (value !== undefined && value !== false) return value;
    if (signal?.aborted || performance.now() >= end) return undefined;
    await sleep(STEP_MS);
  }
};
