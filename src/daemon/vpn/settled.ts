/** Waits for devices to say how it went. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hosting } from './hosting.ts';

/** For a device that is connected to say that something is in force. */
const SETTLED_MS = 5_000;

/** Until all are done, looked at again with whatever each says next; or one is slow. */
export const settled = async (
  hostings: readonly Hosting[],
  isDone: (one: Hosting) => boolean,
): Promise<void> => {
  const stop = new AbortController();
  let isLate = false;
  const late = sleep(SETTLED_MS, undefined, { ref: false, signal: stop.signal }).then(
    () => {
      isLate = true;
    },
    () => undefined, // in time
  );
  const one = async (hosting: Hosting): Promise<void> => {
    while (!isLate && !isDone(hosting)) await Promise.race([hosting.news, late]);
  };
  await Promise.all(hostings.map(one));
  stop.abort();
};
