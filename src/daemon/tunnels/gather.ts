/** Brings together what many want at nearly the same moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../sys/clock.ts';

/** Whoever comes first goes at once; those who come within so many milliseconds of that go together, after them. */
export const gather = (ms: number, clock: Pick<Clock, 'monotonic'>): (() => Promise<void>) => {
  let nextAt = Number.NEGATIVE_INFINITY;
  let waiting: Promise<void> | undefined;
  return () => {
    if (waiting) return waiting;
    const wait = nextAt - clock.monotonic();
    if (wait <= 0) {
      nextAt = clock.monotonic() + ms;
      return Promise.resolve();
    }
    waiting = sleep(wait).then(() => {
      nextAt = clock.monotonic() + ms;
      waiting = undefined;
    });
    return waiting;
  };
};
