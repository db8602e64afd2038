/** Waits for something that the engine's events tell of. */
import type { Client } from '../../client/client.ts';
import type { EventType } from '../../protocol/event.ts';

/** Should an event have been before the stream was open, this much later it is seen all the same. */
const ROUND_MS = 1_000;

/**
 * The first value that `check` finds, asked at once and after each event of these types. Undefined after `ms`.
 * Errors: those of `check`.
 */
export const whenTold = async <T>(
  client: Client,
  type: EventType[],
  ms: number,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> => {
  const end = performance.now() + ms;
  const over = new AbortController();
  let wake = (): void => {};
  const listen = async (): Promise<void> => {
    for await (const _ of client.stream('event.watch', { type }, over.signal)) wake();
  };
  listen().catch(() => {}); // the rounds go on; if the engine has gone, `check` says so
  try {
    for (;;) {
      const value = await check();
      if (value !== undefined) return value;
      const left = end - performance.now();
      if (left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, Math.min(ROUND_MS, left));
      });
    }
  } finally {
    over.abort();
  }
};
