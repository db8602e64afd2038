/** Waits until a pair is as it is wanted. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pair } from './pair.ts';

interface Patience {
  readonly ms: number;
  /** Aborted when the caller hangs up. */
  readonly signal: AbortSignal;
}

/** What `met` gives, looked at again with whatever is heard; undefined where that is nothing for so long. */
export const waitFor = async <T>(
  pair: Pair,
  met: () => T | undefined,
  { ms, signal }: Patience,
): Promise<T | undefined> => {
  const stop = new AbortController();
  const ended = sleep(ms, 'late' as const, {
    signal: AbortSignal.any([signal, stop.signal]),
    ref: false,
  }).catch(() => 'late' as const);
  try {
    for (;;) {
      const found = met();
      if (found !== undefined) return found;
      if ((await Promise.race([pair.news, ended])) === 'late') return met();
    }
  } finally {
    stop.abort();
  }
};
