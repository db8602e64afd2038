/** Exponential backoff with full jitter: each delay is uniform between nothing and a bound that doubles up to a cap. */

export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

export const RECONNECT: BackoffLimits = { baseMs: 500, capMs: 30_000 };

export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #random: () => number;
  #attempt = 0;

  /** `random` returns a number in [0, 1). */
  constructor(limits: BackoffLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Failures since the last `reset`. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const bound = Math.min(this.#limits.capMs, this.#limits.baseMs * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return Math.floor(this.#random() * bound);
  }

  reset(): void {
    this.#attempt = 0;
  }
}
