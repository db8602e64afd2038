/**
 * What there is to do for one service, one after the other. While something is being done, all that waits becomes one: a
 * service is always made as the store has it then.
 */

/** Connections that may be others than before, by their ids, or everything. */
export type Due = ReadonlySet<string> | 'all';

export class Turns {
  readonly #work: (due: Due) => Promise<void>;
  #due: Set<string> | 'all' = new Set();
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(work: (due: Due) => Promise<void>) {
    this.#work = work;
  }

  /** Whether something waits for its turn. */
  get isDue(): boolean {
    return this.#next !== undefined;
  }

  /** Resolves when all has been done, or has failed. */
  get over(): Promise<void> {
    return this.#last;
  }

  /** Resolves when it has been done. Errors: those of the work. */
  add(only?: readonly string[]): Promise<void> {
    if (!only) this.#due = 'all';
    else if (this.#due !== 'all') for (const id of only) this.#due.add(id);
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      const due = this.#due;
      this.#due = new Set();
      return this.#work(due);
    });
    const turn = this.#next;
    this.#last = turn.catch(() => {
      // Who asked hears of it; whoever comes next begins anew.
    });
    return turn;
  }
}
