/** What became of the entries: to whoever watches at once, to the sender some at a time. */
import { COPY, type CopyEntry } from '../protocol/copy.ts';
import type { CopyConnection } from './connection.ts';
import { type CopyWatch, isOfOneFile, sentenceOf } from './problems.ts';

const AT_ONCE = 512;
/** What is told is not sent again after a cut. */
const AT_LEAST_MS = 100;

export interface OutcomesParts {
  readonly connection: CopyConnection;
  readonly watch: CopyWatch;
  /** Keys of entries of which no connection will ask again; added to. */
  readonly settled: Set<string>;
  /** What to call an entry to people. */
  readonly shown: (entry: CopyEntry) => string;
}

interface Problem {
  readonly message: string;
  readonly left_out: boolean;
}

export class Outcomes {
  readonly #parts: OutcomesParts;
  #done: number[] = [];
  #failed: (Problem & { readonly index: number })[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
  }

  isSettled(entry: CopyEntry): boolean {
    return this.#parts.settled.has(keyOf(entry));
  }

  done(index: number, entry: CopyEntry, skipped = false): void {
    this.#parts.settled.add(keyOf(entry));
    this.#parts.watch.done(entry, skipped);
    this.#done.push(index);
    this.#soon();
  }

  leftOut(index: number, entry: CopyEntry, message: string): void {
    this.#problem(index, entry, { message, left_out: true });
  }

  /** Rethrows what is not that entry's alone. */
  failed(index: number, entry: CopyEntry, error: unknown): void {
    if (!isOfOneFile(error)) throw error;
    this.#problem(index, entry, { message: sentenceOf(error), left_out: false });
  }

  /** The sender knows. */
  givenUp(entry: CopyEntry, message: string): void {
    const { settled, watch, shown } = this.#parts;
    settled.add(keyOf(entry));
    watch.problem({ path: shown(entry), message, left_out: false });
  }

  /** `act` puts that one in its place. */
  async of(index: number, entry: CopyEntry, act: () => Promise<void>, skipped = false): Promise<void> {
    try {
      await act();
      this.done(index, entry, skipped);
    } catch (error) {
      this.failed(index, entry, error);
    }
  }

  async flush(): Promise<void> {
    this.stop();
    if (this.#done.length + this.#failed.length === 0) return;
    const results = { done: this.#done, failed: this.#failed };
    this.#done = [];
    this.#failed = [];
    await this.#parts.connection.say(COPY.RESULTS, results);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #problem(index: number, entry: CopyEntry, problem: Problem): void {
    const { settled, watch, shown } = this.#parts;
    settled.add(keyOf(entry));
    watch.problem({ path: shown(entry), ...problem });
    this.#failed.push({ index, ...problem });
    this.#soon();
  }

  #soon(): void {
    // That the connection broke is heard where it is read from.
    if (this.#done.length + this.#failed.length >= AT_ONCE) void this.flush().catch(() => {});
    else this.#timer ??= setTimeout(() => void this.flush().catch(() => {}), AT_LEAST_MS);
  }
}

export const keyOf = ({ source, path }: CopyEntry): string => `${source}/${path}`;
