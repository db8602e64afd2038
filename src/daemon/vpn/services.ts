/** All VPN services: taken up when the engine starts, kept as they should be, watched. */
import { BorealisError } from '../../protocol/errors.ts';
import type { GatewayNetwork } from '../../wg/network.ts';
import type { HostRoute } from '../../wg/routes.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { DeviceBastions } from './bastions.ts';
import type { Surroundings } from './claims.ts';
import { deviceNetworks } from './device-networks.ts';
import type { EndParts, VpnEnd } from './end.ts';
import { clearHost, hasLeftHost } from './left-here.ts';
import { allServices, findService, type ServiceRow, updateConnection } from './rows.ts';
import { ServiceEnd } from './service-end.ts';

/** Interfaces are called so, and a number. */
export const INTERFACES = 'bvpn';

/** How late the end of an expiry may be noticed. */
const TICK_MS = 250;
const LOOK_MS = 2_000;
const RETRY_MS = 5_000;
const STORE_MS = 60_000;
const INTERFACES_MAX = 4_096;

export interface ServicesParts extends EndParts {
  readonly keys: EndParts['keys'] & Pick<KeyRing, 'put' | 'forget' | 'seal'>;
  readonly audit: AuditTrail;
  /** Each has a table of its own, named like its interface. */
  readonly networkOf: (interfaceName: string) => GatewayNetwork;
  readonly routes: () => Promise<HostRoute[]>;
  readonly tunnelNetwork: string;
  readonly devices: Pick<
    DeviceBastions,
    'nodesOf' | 'endOf' | 'demandHost' | 'leaving' | 'deleted' | 'start' | 'close'
  >;
}

export class Services {
  readonly parts: ServicesParts;
  readonly #ends = new Map<string, VpnEnd>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #lookedAt = 0;
  #triedAt = 0;
  #storedAt = 0;

  constructor(parts: ServicesParts) {
    this.parts = parts;
  }

  /** One that cannot be taken up is tried again; the engine does everything else. */
  async start(): Promise<void> {
    for (const row of await allServices(this.parts.store.read)) this.#add(row);
    await this.#clearHost();
    this.parts.devices.start({ ends: () => this.#ends.values(), changed: (row) => this.changed(row) });
    await Promise.allSettled([...this.#ends.values()].map((end) => end.apply()));
    // Of an engine that was killed when it had deleted its last one.
    await this.#release().catch((error: unknown) =>
      this.parts.log.error({ err: error }, 'packets are still passed on'),
    );
    const now = this.parts.clock.monotonic();
    this.#lookedAt = this.#triedAt = this.#storedAt = now;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** The network goes; services and connections are kept, for the next start. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
    await this.#store();
    this.parts.devices.close();
    await Promise.allSettled([...this.#ends.values()].map((end) => end.close()));
    if (this.#hasOwn) await this.parts.forwarding.release();
  }

  get all(): readonly { readonly name: string; readonly failure: Error | null }[] {
    return [...this.#ends.values()].map(({ row, failure }) => ({ name: row.name, failure }));
  }

  /** Undefined while it is being made. */
  endOf(row: ServiceRow): VpnEnd | undefined {
    return this.#ends.get(row.id);
  }

  end(row: ServiceRow): VpnEnd {
    const end = this.#ends.get(row.id);
    if (!end) throw new BorealisError('VPN_NOT_FOUND', { detail: `${row.name} is none.` });
    return end;
  }

  /** One at a time: two that are made at once would choose the same interface, one that goes would be made again. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined); // whose turn it was hears of it
    return turn;
  }

  /** A new one. Errors: those of `ServiceEnd.apply`; then it is not there. */
  async bringUp(row: ServiceRow): Promise<void> {
    const end = this.#add(row);
    try {
      await end.apply();
    } catch (error) {
      await this.takeDown(row);
      throw error;
    }
  }

  /** One that was taken down, and is to be there all the same. Whether that went well is told by itself. */
  async takeUp({ id }: ServiceRow): Promise<void> {
    const row = (await allServices(this.parts.store.read)).find((one) => one.id === id);
    if (row && !this.#ends.has(id))
      await this.#add(row)
        .apply()
        .catch(() => undefined); // tried again as any other
  }

  async takeDown(row: ServiceRow): Promise<void> {
    await this.#ends.get(row.id)?.remove();
    this.#ends.delete(row.id);
    await this.#release();
  }

  /** Who runs it, or with what part in a pair, is another now. Errors: those of `VpnEnd.apply`. */
  async changed({ id }: ServiceRow): Promise<void> {
    const end = await this.inTurn(() => this.#placed(id));
    await end?.apply();
  }

  /** Where it is to be, and gone from where it was; undefined: it is no more. */
  async #placed(id: string): Promise<VpnEnd | undefined> {
    const before = this.#ends.get(id);
    const row = (await allServices(this.parts.store.read)).find((one) => one.id === id);
    if (!before || !row) return undefined;
    if (before instanceof ServiceEnd === (this.parts.devices.nodesOf(row) === null)) return before;
    await before.store();
    await before.remove();
    const end = this.#add(row);
    await this.#release();
    await hasLeftHost(this.parts.store, id).catch((error: unknown) =>
      this.parts.log.error(
        { err: error, vpn: row.name },
        'it could not be kept that a VPN service left this host',
      ),
    );
    return end;
  }

  /** What an engine that was killed has left here of services that devices run. Tried again with the next engine. */
  async #clearHost(): Promise<void> {
    const { store, networkOf, log } = this.parts;
    await clearHost(store, networkOf, (id) => this.#ends.get(id) instanceof ServiceEnd).catch(
      (error: unknown) =>
        log.error({ err: error }, 'what is left here of a VPN service could not be taken down'),
    );
  }

  async #release(): Promise<void> {
    if (!this.#hasOwn) await this.parts.forwarding.release();
  }

  /** Whether any is on this host. */
  get #hasOwn(): boolean {
    return [...this.#ends.values()].some((end) => end instanceof ServiceEnd);
  }

  #add(row: ServiceRow): VpnEnd {
    const { devices, networkOf } = this.parts;
    const end =
      devices.nodesOf(row) === null
        ? new ServiceEnd(row, networkOf(row.interface), this.parts)
        : devices.endOf(row);
    this.#ends.set(row.id, end);
    return end;
  }

  /** A name that no service has, and nobody else on this host. Errors: INTERNAL, those of wg/observe.ts. */
  async freeInterface(): Promise<string> {
    const rows = await this.parts.store.read
      .selectFrom('vpn_service')
      .select('interface')
      .orderBy('interface')
      .execute();
    const taken = new Set(rows.map((row) => row.interface));
    for (let number = 0; number < INTERFACES_MAX; number += 1) {
      const name = `${INTERFACES}${number}`;
      if (taken.has(name)) continue;
      const { interfaces } = await this.parts.networkOf(name).observe([name]);
      if (interfaces.get(name)?.state === 'absent') return name;
    }
    throw new BorealisError('INTERNAL', { detail: `Every interface name from ${INTERFACES}0 on is taken.` });
  }

  /** Of a service there: what other networks its host is in, or its devices are. */
  async around(row: Omit<ServiceRow, 'public_key'>): Promise<Surroundings> {
    const { routes, tunnelNetwork, devices, store } = this.parts;
    const nodes = devices.nodesOf(row);
    if (nodes === null) return { routes: await routes(), networks: [], tunnelNetwork };
    const networks = await deviceNetworks(
      store.read,
      nodes.map(({ guid }) => guid),
    );
    return { routes: [], networks, tunnelNetwork };
  }

  #tick(): void {
    this.#round ??= this.#go()
      .catch((error: unknown) => this.parts.log.error({ err: error }, 'a round over the VPN services failed'))
      .finally(() => {
        this.#round = undefined;
      });
  }

  async #go(): Promise<void> {
    const { clock } = this.parts;
    const [now, wall] = [clock.monotonic(), clock.now()];
    for (const end of this.#ends.values()) {
      const { nextExpiry } = end;
      if (nextExpiry !== null && nextExpiry <= wall) await this.#expire(end);
    }
    if (now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      for (const end of this.#ends.values()) await end.look();
    }
    if (now - this.#triedAt >= RETRY_MS) {
      this.#triedAt = now;
      const failed = [...this.#ends.values()].filter(({ retries }) => retries);
      await Promise.allSettled(failed.map((end) => end.apply())); // what is wrong is told of once, by the end itself
    }
    if (now - this.#storedAt >= STORE_MS) {
      this.#storedAt = now;
      await this.#store();
    }
  }

  async #store(): Promise<void> {
    for (const end of this.#ends.values()) await end.store();
  }

  /** First they are out, then it is told. */
  async #expire(end: VpnEnd): Promise<void> {
    const { store, clock, events, audit } = this.parts;
    const { row } = end;
    const failed = await end.apply().then(
      () => false,
      () => true, // tried again in the next round but for what has failed already, then with all the others
    );
    const now = clock.now();
    await store.write(async (tx) => {
      const due = await tx.db
        .selectFrom('vpn_connection')
        .select(['id', 'name', 'vpn_id'])
        .where('expired_at', 'is', null)
        .where('expires_at', '<=', now)
        .execute();
      for (const { id, name, vpn_id } of due) {
        if (vpn_id !== row.id) continue;
        await updateConnection(tx, id, { expired_at: now });
        await audit.record(tx, {
          actor: 'engine',
          action: 'connection.expire',
          target: `${row.name} ${name}`,
          detail: { vpn: row.name, connection: name, in_force: !failed },
        });
        await events.record(tx, {
          type: 'connection.changed',
          message: `${name} of the VPN service ${row.name} is expired`,
          data: { vpn: row.name, connection: name, change: 'expired' },
        });
      }
    });
    // What is due is due no more.
    await end.apply().catch(() => undefined); // told by the end itself
  }

  find(ref: string): Promise<ServiceRow> {
    return findService(this.parts.store.read, ref);
  }
}
