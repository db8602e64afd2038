/** Time as an argument, so that tests can turn it. */
export interface Clock {
  /** Milliseconds since 1970 UTC; may jump when the system clock is set. */
  now(): number;
  /** Milliseconds that only grow; for measuring spans. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };
