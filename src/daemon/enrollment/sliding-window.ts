/** So many within the last so many milliseconds, for each key; memory is bounded, whoever asks. */
import type { Clock } from '../../sys/clock.ts';

/** Keys in memory. When more come, the one that was quiet longest is forgotten. */
const KEYS_KEPT = 16_384;

export class SlidingWindow {
  readonly #spanMs: number;
  readonly #clock: Pick<Clock, 'monotonic'>;
  /** In order of last use. Times of what was admitted, oldest first; at most `limit` of them. */
  readonly #admitted = new Map<string, number[]>();

  constructor(spanMs: number, clock: Pick<Clock, 'monotonic'>) {
    this.#spanMs = spanMs;
    this.#clock = clock;
  }

  /** False where `limit` were admitted within the span already; what is refused does not count. */
  admit(key: string, limit: number): boolean {
    const now = this.#clock.monotonic();
    const times = this.#recent(key, now);
    this.#admitted.delete(key);
    this.#admitted.set(key, times);
    if (this.#admitted.size > KEYS_KEPT) this.#admitted.delete(this.#admitted.keys().next().value!);
    if (times.length >= limit) return false;
    times.push(now);
    return true;
  }

  /** How many were admitted within the span. */
  count(key: string): number {
    return this.#recent(key, this.#clock.monotonic()).length;
  }

  #recent(key: string, now: number): number[] {
    const times = this.#admitted.get(key) ?? [];
    const first = times.findIndex((at) => now - at < this.#spanMs);
    return first === 0 ? times : first < 0 ? [] : times.slice(first);
  }
}
