/**
 * Watching the event log: from an id on out of the table, then as events happen, without a gap and without a repeat.
 * Nothing is kept per watcher but the id it has come to: the newest events are in one ring for all of them, and
 * whoever falls behind the ring reads from the table again. So a slow watcher costs nothing and loses nothing.
 */
import type { Event, EventType } from '../../protocol/event.ts';
import type { Database } from '../../store/store.ts';
import type { EventLog } from './log.ts';
import { asEvent } from './rows.ts';

const RING = 1_024;
const PAGE = 500;

export interface Wanted {
  readonly after: number | undefined;
  /** All when undefined. */
  readonly types: readonly EventType[] | undefined;
  /** Finds the device that they are about; of every one, and of none, when undefined. */
  readonly guid: (() => Promise<string>) | undefined;
}

export class EventFeed {
  readonly #db: Database;
  readonly #log: EventLog;
  /** The newest events, ids without a hole. */
  readonly #ring: Event[] = [];
  #newest = 0;
  #unsubscribe: (() => void) | undefined;
  #waiting = new Set<() => void>();

  constructor(db: Database, log: EventLog) {
    this.#db = db;
    this.#log = log;
  }

  /** To be called before the first event of this process is recorded. */
  async start(): Promise<void> {
    const newest = await this.#db
      .selectFrom('event')
      .select((eb) => eb.fn.max('id').as('id'))
      .executeTakeFirst();
    this.#newest = newest?.id ?? 0;
    this.#unsubscribe = this.#log.subscribe((event) => {
      this.#newest = event.id;
      this.#ring.push(event);
      if (this.#ring.length > 2 * RING) this.#ring.splice(0, RING);
      const waiting = this.#waiting;
      this.#waiting = new Set();
      for (const wake of waiting) wake();
    });
  }

  close(): void {
    this.#unsubscribe?.();
  }

  /**
   * Events after the id `after` that are wanted, then new ones until the signal aborts. A `stream.gap` comes first where
   * events after that id are gone already, or where no such id was ever given. Errors: those of `guid`, before the first.
   */
  watch(wanted: Wanted, signal: AbortSignal): AsyncGenerator<Event> {
    // Taken now, not when first asked: events from this moment on belong to the watcher.
    return this.#run(wanted, this.#newest, signal);
  }

  async *#run(
    { after, types: list, guid: find }: Wanted,
    newest: number,
    signal: AbortSignal,
  ): AsyncGenerator<Event> {
    const types = list && new Set(list);
    const guid = await find?.();
    let last = after ?? newest;
    // Ids beyond the newest come from a store that was since replaced by a backup.
    if (last > newest) {
      yield gapUpTo(newest);
      last = newest;
    }
    while (!signal.aborted) {
      if (last >= this.#newest) {
        await this.#next(signal);
        continue;
      }
      const batch = this.#fromRing(last) ?? (await this.#fromTable(last));
      const first = batch[0];
      if (first && first.id > last + 1) yield gapUpTo(first.id - 1);
      for (const event of batch) {
        if ((!types || types.has(event.type)) && (guid === undefined || event.guid === guid)) yield event;
        last = event.id;
        if (signal.aborted) return;
      }
    }
  }

  #fromRing(last: number): Event[] | undefined {
    const first = this.#ring[0];
    if (!first || last + 1 < first.id) return undefined;
    return this.#ring.slice(last + 1 - first.id, last + 1 - first.id + PAGE);
  }

  async #fromTable(last: number): Promise<Event[]> {
    // Reading goes by microtasks alone: without this, a long history would hold up everybody else.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const rows = await this.#db
      .selectFrom('event')
      .selectAll()
      .where('id', '>', last)
      .orderBy('id')
      .limit(PAGE)
      .execute();
    return rows.map(asEvent);
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

const gapUpTo = (id: number): Event => ({
  id,
  at: new Date().toISOString(),
  type: 'stream.gap',
  device: null,
  guid: null,
  message: 'Older events are gone; read the present state anew',
  data: {},
});
