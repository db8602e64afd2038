/**
 * So many lines of one kind a minute: whoever is refused in a loop must not fill the disk with the news of it, nor push
 * everything else out of the log. What was left out is counted, and told with the next line after that minute.
 */
import type { Clock } from '../../sys/clock.ts';

const SPAN_MS = 60_000;
const LINES = 60;
/** Kinds are few, unless messages have names in them; then the one that was begun first is forgotten. */
const KINDS_KEPT = 1_000;

interface Kind {
  readonly since: number;
  lines: number;
}

export interface LeftOut {
  readonly kind: string;
  readonly lines: number;
}

export class LineLimit {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #kinds = new Map<string, Kind>();
  /** Whose minute ends first. */
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** False where the line is to be left out. */
  admit(kind: string): boolean {
    const now = this.#clock.monotonic();
    let found = this.#kinds.get(kind);
    if (!found || now - found.since >= SPAN_MS) {
      found = { since: now, lines: 0 };
      this.#kinds.delete(kind);
      this.#kinds.set(kind, found);
      if (this.#kinds.size > KINDS_KEPT) this.#kinds.delete(this.#kinds.keys().next().value!);
    }
    found.lines += 1;
    if (found.lines === LINES + 1) this.#nextEnd = Math.min(this.#nextEnd, found.since + SPAN_MS);
    return found.lines <= LINES;
  }

  /** What was left out in minutes that are over, once. To be asked before `admit`. */
  leftOut(): LeftOut[] {
    const now = this.#clock.monotonic();
    if (now < this.#nextEnd) return [];
    this.#nextEnd = Number.POSITIVE_INFINITY;
    const ended: LeftOut[] = [];
    for (const [kind, { since, lines }] of this.#kinds) {
      if (lines <= LINES) continue;
      if (now - since < SPAN_MS) {
        this.#nextEnd = Math.min(this.#nextEnd, since + SPAN_MS);
        continue;
      }
      ended.push({ kind, lines: lines - LINES });
      this.#kinds.delete(kind);
    }
    return ended;
  }
}
