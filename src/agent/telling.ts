/** How much is told to the engine of what was refused: a flood must not become one of our own. */
import type { Clock } from '../sys/clock.ts';

/** Told in a row, and how long until another may be told. */
const TOLD_BURST = 20;
const TOLD_EVERY_MS = 3_000;

export class Telling {
  readonly #clock: Clock;
  #tokens = TOLD_BURST;
  #filledAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#filledAt = clock.monotonic();
  }

  /** Counts as told where it says true. */
  may(): boolean {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(TOLD_BURST, this.#tokens + (now - this.#filledAt) / TOLD_EVERY_MS);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
