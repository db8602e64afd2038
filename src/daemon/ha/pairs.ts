/** All pairs of this engine: its votes in them, what it knows of them, who is to run what. */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { leaseOf } from '../../ha/voter.ts';
import type { Event } from '../../protocol/event.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Channels } from '../channel/channels.ts';
import { SlidingWindow } from '../enrollment/sliding-window.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { SecurityWatch } from '../trust/security-watch.ts';
import { allServices, type ServiceRow } from '../vpn/rows.ts';
import type { Bastions, HaNode, HaNodes } from './bastions.ts';
import { type Around, Pair, SWITCHES_KNOWN } from './pair.ts';
import {
  allPairs,
  deletePair,
  devicesOf,
  endpointsOf,
  keepEndpoint,
  type PairRow,
  pairSecret,
  promisedOnce,
  serviceOf,
  switchesOf,
  updatePair,
} from './rows.ts';

const KEY_BYTES = 32;
const PASSED_PER_MINUTE = 20;

const bare = (address: string): string => address.split('/', 1)[0] as string;

export interface PairsParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly audit: AuditTrail;
  readonly keys: Pick<KeyRing, 'seal' | 'unseal'>;
  readonly channels: Pick<Channels, 'get'>;
  readonly watch: Pick<SecurityWatch, 'alert'>;
  readonly bastions: Bastions;
  readonly log: Logger;
}

export class Pairs implements HaNodes {
  readonly parts: PairsParts;
  readonly #pairs = new Map<string, Pair>();
  /** Until when, monotonic, a node of a pair that is no more may have its address, by promises of before. */
  readonly #bound = new Map<string, number>();
  readonly #passed: SlidingWindow;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: PairsParts) {
    this.parts = parts;
    this.#passed = new SlidingWindow(60_000, parts.clock);
  }

  /** Before anything is told to devices. Errors: KEYS_UNOPENED. */
  async start(): Promise<void> {
    const services = new Map((await allServices(this.parts.store.read)).map((row) => [row.id, row]));
    for (const row of await allPairs(this.parts.store.read)) {
      const service = services.get(row.vpn_id);
      if (!service) continue;
      const pair = await this.add(service, row);
      // An engine that was killed when a device had just been shut out may not have got so far.
      if (pair.guids.some((guid) => pair.isBarred(guid)))
        await this.#rekey(pair).catch((error: unknown) =>
          this.parts.log.error({ err: error, vpn: service.name }, 'a pair did not get another key'),
        );
    }
    for (const [address, seconds] of await promisedOnce(this.parts.store.read))
      this.#bound.set(address, this.parts.clock.monotonic() + leaseOf(seconds).promise);
    this.#unsubscribe = this.parts.events.subscribe((event) => this.#happened(event));
  }

  close(): void {
    this.#unsubscribe?.();
  }

  get all(): readonly Pair[] {
    return [...this.#pairs.values()];
  }

  get(vpnId: string): Pair | undefined {
    return this.#pairs.get(vpnId);
  }

  nodesOf(vpnId: string): readonly HaNode[] | null {
    return this.#pairs.get(vpnId)?.nodes ?? null;
  }

  deleted(tx: Transaction, vpnId: string): Promise<void> {
    return deletePair(tx, vpnId);
  }

  /** The engine promises nothing for as long as a promise lasts: one before may still be kept. */
  async add(service: ServiceRow, row: PairRow): Promise<Pair> {
    const { store, keys, clock } = this.parts;
    const db = store.read;
    const pair = new Pair({
      row,
      service,
      key: keys.unseal(pairSecret(row.vpn_id), row.sealed_key).toString('base64url'),
      devices: await devicesOf(db, [row.primary_guid, row.standby_guid]),
      endpoints: await endpointsOf(db, row.vpn_id),
      switches: await switchesOf(db, row.vpn_id, SWITCHES_KNOWN),
      now: clock.monotonic(),
    });
    this.#pairs.set(row.vpn_id, pair);
    return pair;
  }

  remove(vpnId: string): void {
    const pair = this.#pairs.get(vpnId);
    this.#pairs.delete(vpnId);
    if (!pair) return;
    this.bind(pair);
    pair.stir();
  }

  /** Once more when its nodes have been told: until then they vote for each other. */
  bind({ row: { address, lease_seconds } }: Pair): void {
    this.#bound.set(bare(address), this.parts.clock.monotonic() + leaseOf(lease_seconds).promise);
  }

  /**
   * Milliseconds for which nobody else may be given an address: a pair with a shorter lease, or other nodes, would know
   * nothing of what was promised in one before. Its nodes that are connected vote for nobody from when they were told.
   */
  boundFor(address: string): number {
    const now = this.parts.clock.monotonic();
    for (const [one, until] of this.#bound) if (until <= now) this.#bound.delete(one);
    return Math.max(0, (this.#bound.get(bare(address)) ?? now) - now);
  }

  newKey(vpnId: string): Buffer {
    return this.parts.keys.seal(pairSecret(vpnId), randomBytes(KEY_BYTES));
  }

  around(vpnId: string): Around {
    const { clock, channels, bastions } = this.parts;
    return {
      now: clock.monotonic(),
      wall: clock.now(),
      isOnline: (guid) => channels.get(guid, 'system') !== undefined,
      revision: bastions.revision(vpnId),
    };
  }

  /**
   * Keeps where the nodes are heard, and tells them; a device is the reason, which may say that it is elsewhere as often as
   * it likes.
   */
  async passOn(pair: Pair): Promise<void> {
    const { vpn_id } = pair.row;
    pair.untold = !this.#passed.admit(vpn_id, PASSED_PER_MINUTE);
    if (pair.untold) return;
    await this.parts.store.write(async (tx) => {
      for (const [guid, endpoint] of pair.endpoints)
        if (endpoint !== null) await keepEndpoint(tx, vpn_id, guid, endpoint);
    });
    await this.tell(vpn_id);
  }

  /** Tells the devices what they are to be; what could not be told is told when they are back. */
  async tell(vpnId: string): Promise<void> {
    const { store, bastions } = this.parts;
    const service = await serviceOf(store.read, vpnId);
    if (service) await bastions.changed(service);
  }

  #happened({ type, guid, data }: Event): void {
    if (type === 'vpn.changed' && data.change === 'deleted') {
      for (const [id, { service }] of this.#pairs) if (service.name === data.vpn) this.remove(id);
    }
    if (guid === null || !type.startsWith('device.') || type === 'device.inventory') return;
    for (const pair of this.#pairs.values())
      if (pair.has(guid))
        this.#look(pair, guid).catch((error: unknown) =>
          this.parts.log.error(
            { err: error, vpn: pair.service.name },
            'a pair was not changed with its device',
          ),
        );
  }

  /**
   * A device that is shut out may have the address still, by its own vote and the other node's, where only the engine does
   * not reach it. So the other node gets another key: it hears that one no more, and takes the address when the lease is over.
   */
  async #look(pair: Pair, guid: string): Promise<void> {
    const { store } = this.parts;
    const before = pair.isBarred(guid);
    const device = (await devicesOf(store.read, [guid])).get(guid) ?? null;
    pair.setDevice(guid, device);
    if (pair.isBarred(guid) === before) return;
    if (!before) await this.#rekey(pair);
    await this.tell(pair.row.vpn_id);
  }

  async #rekey(pair: Pair): Promise<void> {
    const { store, keys } = this.parts;
    const id = pair.row.vpn_id;
    const sealed = this.newKey(id);
    await store.write((tx) => updatePair(tx, id, { sealed_key: sealed }));
    pair.row = { ...pair.row, sealed_key: sealed };
    pair.key = keys.unseal(pairSecret(id), sealed).toString('base64url');
  }
}
