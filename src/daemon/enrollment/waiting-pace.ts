/** How often waiting agents ask. Each asks over a connection of its own, which costs milliseconds: many must ask less often. */
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import { POLL_MS } from './request.ts';

/** Polls that all of them together may cause, a second. */
const POLLS_PER_SECOND = 50;
const SLOWEST_MS = 60_000;
const COUNT_AGAIN_MS = 5_000;

export class WaitingPace {
  readonly #store: Store;
  readonly #clock: Clock;
  #waiting = 0;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async pollAfterMs(): Promise<number> {
    const now = this.#clock.monotonic();
    if (now - this.#countedAt >= COUNT_AGAIN_MS) {
      this.#countedAt = now;
      const { waiting } = await this.#store.read
        .selectFrom('approval')
        .select((eb) => eb.fn.countAll<number>().as('waiting'))
        .where('state', '=', 'waiting')
        .executeTakeFirstOrThrow();
      this.#waiting = Number(waiting);
    }
    return Math.min(SLOWEST_MS, Math.max(POLL_MS, Math.ceil((this.#waiting / POLLS_PER_SECOND) * 1_000)));
  }
}
