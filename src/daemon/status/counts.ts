/**
 * How many devices, requests and jobs there are, counted again only when it may have changed: `status` is asked often,
 * by many, and a fleet is large.
 */
import type { EventType } from '../../protocol/event.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { EventLog } from '../events/log.ts';

/** Each of these is recorded in the very transaction that changes how many devices are in which state. */
const OF_DEVICES: ReadonlySet<EventType> = new Set([
  'device.enrolled',
  'device.quarantined',
  'device.released',
  'device.revoked',
  'device.removed',
]);

export type DeviceCounts = Readonly<Record<'active' | 'quarantined' | 'revoked', number>>;
export type WorkCounts = Readonly<Record<'waiting' | 'running' | 'queued', number>>;

export class Counts {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  /** Grows with each event that makes the count of devices wrong. */
  #changes = 0;
  #devices: { readonly at: number; readonly counts: DeviceCounts } | undefined;
  /** Good for one state of the store, and until the first request expires. */
  #work: { readonly commits: number; readonly until: number; readonly counts: WorkCounts } | undefined;

  constructor({ store, clock, events }: { store: Store; clock: Clock; events: EventLog }) {
    this.#store = store;
    this.#clock = clock;
    this.#unsubscribe = events.subscribe((event) => {
      if (OF_DEVICES.has(event.type)) this.#changes += 1;
    });
  }

  close(): void {
    this.#unsubscribe();
  }

  /** By what is stored: whether an active device is online is for its channel to say. */
  async devices(): Promise<DeviceCounts> {
    const at = this.#changes;
    if (this.#devices?.at === at) return this.#devices.counts;
    const rows = await this.#store.read
      .selectFrom('device')
      .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
      .groupBy('state')
      .execute();
    const counts = { active: 0, quarantined: 0, revoked: 0 };
    for (const { state, count } of rows) counts[state] = count;
    this.#devices = { at, counts };
    return counts;
  }

  /** Requests that wait for approval, jobs that run and that wait for a device. */
  async work(): Promise<WorkCounts> {
    const { commits } = this.#store;
    const now = this.#clock.now();
    if (this.#work?.commits === commits && now < this.#work.until) return this.#work.counts;
    const waiting = await this.#store.read
      .selectFrom('approval')
      .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.min('expires_at').as('first')])
      .where('state', '=', 'waiting')
      .where('expires_at', '>', now)
      .executeTakeFirstOrThrow();
    const jobs = await this.#store.read
      .selectFrom('job')
      .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
      .where('state', 'in', ['running', 'queued'])
      .groupBy('state')
      .execute();
    const of = (state: string): number => jobs.find((row) => row.state === state)?.count ?? 0;
    const counts = { waiting: waiting.count, running: of('running'), queued: of('queued') };
    this.#work = { commits, until: waiting.first ?? Number.POSITIVE_INFINITY, counts };
    return counts;
  }
}
