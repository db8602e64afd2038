/**
 * Forgets what is past its time: in the background, in small transactions, with rests in between, so that whoever waits
 * for an answer does not notice.
 */
import { setTimeout as rest } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Rule } from './rules.ts';

/** Rows of one transaction. */
const BATCH = 1_000;
/** After a batch that took t, rest for this many t: a fifth of one core at most. */
const REST = 4;
const FIRST_ROUND_MS = 60_000;
const ROUND_MS = 600_000;

export interface RetentionParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly rules: readonly Rule[];
}

export class Retention {
  readonly #parts: RetentionParts;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  start(first = FIRST_ROUND_MS): void {
    this.#timer = setTimeout(() => {
      this.#round = this.#run().finally(() => {
        if (!this.#stop.signal.aborted) this.start(ROUND_MS);
      });
    }, first).unref();
  }

  /** Resolves when the batch under way is done. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#round;
  }

  /** One round over all rules, with as many batches as there is to forget; ends early when the signal aborts. */
  async prune(signal: AbortSignal = this.#stop.signal, batch = BATCH): Promise<void> {
    const { store, clock, rules } = this.#parts;
    for (const rule of rules) {
      for (let more = true; more && !signal.aborted; ) {
        const begun = clock.monotonic();
        more = await store.write((tx) => rule.prune(tx, clock.now(), batch));
        // Aborted or not is asked above.
        if (more) await rest(REST * (clock.monotonic() - begun), undefined, { signal }).catch(() => {});
      }
    }
  }

  async #run(): Promise<void> {
    try {
      await this.prune();
    } catch (error) {
      this.#parts.log.error(
        { err: error },
        'what is past its time could not be removed; tried again in ten minutes',
      );
    }
  }
}
