/**
 * The event log: written in the transaction of the change that it tells of, delivered to watchers after the commit,
 * in order of id.
 */
import type { Event, EventType } from '../../protocol/event.ts';
import { Compiled, CompiledSelect } from '../../store/compiled.ts';
import type { Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';

export interface NewEvent {
  readonly type: EventType;
  readonly message: string;
  readonly device?: { readonly guid: string; readonly name: string } | null;
  /** JSON. */
  readonly data?: Event['data'];
}

export type Listener = (event: Event) => void;

const newest = new CompiledSelect<{ last: number | null }, []>((db) =>
  db.selectFrom('event').select((eb) => eb.fn.max('id').as('last')),
);
type Values = [
  id: number,
  at: number,
  type: EventType,
  guid: string | null,
  device: string | null,
  message: string,
  data: string,
];
const insert = new Compiled<Values>((db) =>
  db.insertInto('event').values({ id: 0, at: 0, type: '', guid: '', device: '', message: '', data_json: '' }),
);

export class EventLog {
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async record(tx: Transaction, event: NewEvent): Promise<void> {
    // Retention always leaves the newest event, so ids never start again.
    const [row] = await newest.all(tx.db, []);
    const at = this.#clock.now();
    const whole: Event = {
      id: Number(row?.last ?? 0) + 1,
      at: new Date(at).toISOString(),
      type: event.type,
      device: event.device?.name ?? null,
      guid: event.device?.guid ?? null,
      message: event.message,
      data: event.data ?? {},
    };
    const { id, type, guid, device, message } = whole;
    await insert.run(tx.db, [id, at, type, guid, device, message, JSON.stringify(whole.data)]);
    tx.afterCommit(() => {
      for (const listener of this.#listeners) listener(whole);
    });
  }

  /** Calls `listener` with each event from now on; the function returned ends that. Listeners must not throw or block. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get watchers(): number {
    return this.#listeners.size;
  }
}
