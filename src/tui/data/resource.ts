/** Something of the engine that is shown: asked for when somebody looks, again when an event says that it changed. */
import type { BorealisError } from '../../protocol/errors.ts';
import { asTold, type Told } from './told.ts';

export interface ResourceOptions<T> {
  readonly fetch: (signal: AbortSignal) => Promise<T>;
  /** Types of events after which it may be another; a prefix with a dot stands for all of its types. */
  readonly events: readonly string[];
  /** At most so often, however many events there are. */
  readonly settleMs?: number;
  /** Asked for again after so long, where it changes without an event. */
  readonly everyMs?: number;
}

export class Resource<T> {
  readonly #options: ResourceOptions<T>;
  readonly #changed: () => void;
  /** Undefined until it was there once. */
  value: T | undefined;
  error: Told | undefined;
  /** Grows with each value, so that what is derived from it is made anew only then. */
  version = 0;
  #watchers = 0;
  #fresh = false;
  #running = false;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #round: NodeJS.Timeout | undefined;
  #abort = new AbortController();

  constructor(options: ResourceOptions<T>, changed: () => void) {
    this.#options = options;
    this.#changed = changed;
  }

  /** Kept current from now on, until the function that is returned is called. */
  watch(): () => void {
    this.#watchers++;
    if (!this.#fresh) void this.refresh();
    if (this.#watchers === 1 && this.#options.everyMs !== undefined)
      this.#round = setInterval(() => void this.refresh(), this.#options.everyMs);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#watchers--;
      if (this.#watchers === 0) clearInterval(this.#round);
    };
  }

  heard(type: string): void {
    if (
      !this.#options.events.some(
        (wanted) => wanted === type || (wanted.endsWith('.') && type.startsWith(wanted)),
      )
    )
      return;
    this.touch();
  }

  /** It may have changed. */
  touch(): void {
    this.#fresh = false;
    if (this.#watchers === 0 || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.refresh();
    }, this.#options.settleMs ?? 200);
  }

  async refresh(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    this.#fresh = true;
    try {
      this.value = await this.#options.fetch(this.#abort.signal);
      this.version++;
      this.error = undefined;
    } catch (thrown) {
      if (this.#abort.signal.aborted) return;
      this.error = asTold(thrown as BorealisError);
      this.#fresh = false;
    } finally {
      this.#running = false;
      if (!this.#abort.signal.aborted) this.#changed();
    }
    if (this.#again) {
      this.#again = false;
      this.touch();
    }
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
    clearInterval(this.#round);
  }
}
