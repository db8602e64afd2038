/**
 * Shares the event loop among connections that have much to say: each does a little, in turn, and after a few
 * milliseconds everybody else (calls, channels, timers) gets the loop back for longer than that. So fifty shells that
 * print as fast as they can leave the engine's other calls alone, and somebody who types in a fifty-first sees it at once.
 */

export interface Worker {
  /** Does a millisecond's work at most; true where there is more to do. Must not throw. */
  work(): boolean;
}

/** Milliseconds of one turn; where more is to do after it, the rest before the next. */
const BUDGET_MS = 3;
const REST_MS = 6;

export class Turns {
  readonly #now: () => number;
  /** In the order in which they come on. */
  readonly #waiting = new Set<Worker>();
  /** Those who seldom have anything to say go first. */
  readonly #quick = new Set<Worker>();
  #scheduled = false;
  /** Milliseconds of work that was done at once, and since when. */
  #spent = 0;
  #since = Number.NEGATIVE_INFINITY;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Of no effect where it waits already. `quick`: it said little lately; it works at once, if there is time. */
  add(worker: Worker, quick = false): void {
    if (quick) return void this.#addQuick(worker);
    this.#waiting.add(worker);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #addQuick(worker: Worker): void {
    const begun = this.#now();
    if (begun >= this.#since + BUDGET_MS + REST_MS) {
      this.#since = begun;
      this.#spent = 0;
    }
    if (this.#spent < BUDGET_MS && this.#quick.size === 0) {
      if (worker.work()) this.add(worker);
      this.#spent += this.#now() - begun;
      return;
    }
    if (this.#quick.size === 0) setImmediate(() => this.#quickTurn());
    this.#quick.add(worker);
  }

  /** Those for which there was no time. */
  #quickTurn(): void {
    this.#run(this.#quick);
    for (const left of this.#quick) this.add(left);
    this.#quick.clear();
  }

  remove(worker: Worker): void {
    this.#waiting.delete(worker);
    this.#quick.delete(worker);
  }

  #turn(): void {
    this.#scheduled = false;
    this.#run(this.#waiting);
  }

  #run(workers: Set<Worker>): void {
    const until = this.#now() + BUDGET_MS;
    for (const worker of workers) {
      workers.delete(worker);
      // Added again it stands behind all the others; this very loop comes to it, if there is time.
      if (worker.work()) this.#waiting.add(worker);
      if (this.#now() >= until) break;
    }
    if (this.#waiting.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => this.#turn(), REST_MS);
  }
}
