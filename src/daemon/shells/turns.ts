/**
 * Shares the event loop among connections that have much to say: each does a little, in turn, and after a few
 * milliseconds everybody else (calls, channels, timers) gets the loop back. So fifty shells that print as fast as they
 * can leave the engine's other calls alone.
 */

export interface Worker {
  /** Does a millisecond's work at most; true where there is more to do. Must not throw. */
  work(): boolean;
}

/** Milliseconds of one turn. */
const BUDGET_MS = 3;

export class Turns {
  readonly #now: () => number;
  /** In the order in which they come on. */
  readonly #waiting = new Set<Worker>();
  #scheduled = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Of no effect where it waits already. */
  add(worker: Worker): void {
    this.#waiting.add(worker);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  remove(worker: Worker): void {
    this.#waiting.delete(worker);
  }

  #turn(): void {
    this.#scheduled = false;
    const until = this.#now() + BUDGET_MS;
    for (const worker of this.#waiting) {
      this.#waiting.delete(worker);
      // Added again it stands behind all the others; this very loop comes to it, if there is time.
      if (worker.work()) this.#waiting.add(worker);
      if (this.#now() >= until) break;
    }
    const [next] = this.#waiting;
    if (next) this.add(next);
  }
}
