/** One service on this host: its interface, table and routes as the store wants them, and what its peers carry. */
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Forwarding, IpFamily } from '../../wg/forwarding.ts';
import type { Network } from '../../wg/network.ts';
import type { WantedInterface, WantedNetwork } from '../../wg/types.ts';
import type { EventLog, NewEvent } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import {
  type ConnectionRow,
  connectionSecret,
  connectionsOf,
  type ServiceRow,
  serviceSecret,
} from './rows.ts';
import { isConnected, nextTraffic, type Traffic } from './traffic.ts';
import { isActive, wantedVpn } from './wanted.ts';

/** Seconds; only until a client that was connected before is so again. */
const RESUME_KEEPALIVE = 25;
/** So long after its last handshake a client is still looked for where it was. */
const RESUME_MS = 3_600_000;

export interface EndParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly keys: Pick<KeyRing, 'get' | 'unseal'>;
  readonly forwarding: Forwarding;
  readonly log: Logger;
}

export class ServiceEnd {
  readonly row: ServiceRow;
  readonly #parts: EndParts;
  readonly #network: Network;
  #connections: readonly ConnectionRow[] = [];
  readonly #traffic = new Map<string, Traffic>();
  /** Whose traffic is not stored as it is. */
  readonly #unstored = new Set<string>();
  #failure: Error | null = null;
  /** Whether the interface was seen to be ours, or made, since this process began. */
  #ours = false;
  #leaving = false;
  /** Public keys that WireGuard has already. */
  #peers: ReadonlySet<string> = new Set();
  /** Handshakes are begun by us just now. */
  #resuming = false;
  #last: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(row: ServiceRow, network: Network, parts: EndParts) {
    this.row = row;
    this.#network = network;
    this.#parts = parts;
  }

  /** Why the network is not as it should be. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** When the next connection expires; null: none does. */
  get nextExpiry(): number | null {
    const due = this.#connections.flatMap(({ expires_at, expired_at }) =>
      expires_at === null || expired_at !== null ? [] : [expires_at],
    );
    return due.length === 0 ? null : Math.min(...due);
  }

  trafficOf(row: ConnectionRow): Traffic {
    return this.#traffic.get(row.id) ?? row;
  }

  /**
   * Makes it so as the store has it when its turn has come; resolves when that is in force. Errors: those of
   * wg/apply.ts, FORWARDING_OFF, KEYS_UNOPENED.
   */
  apply(): Promise<void> {
    this.#next ??= this.#last.then(() => {
      this.#next = undefined;
      return this.#apply();
    });
    const turn = this.#next;
    this.#last = turn.catch(() => {
      // Who asked hears of it; whoever comes next begins anew.
    });
    return turn;
  }

  async #apply(): Promise<void> {
    if (this.#leaving) return;
    try {
      if (!this.#ours) this.#peers = await this.#peersThere();
      const { wanted, endpoints } = await this.#wanted();
      await this.#parts.forwarding.demand(familiesOf(wanted));
      await this.#network.apply(resuming(wanted, endpoints));
      this.#ours = true;
      this.#resuming = endpoints.size > 0;
      this.#peers = new Set(
        wanted.interfaces?.flatMap(({ peers = [] }) => peers.map(({ publicKey }) => publicKey)),
      );
    } catch (error) {
      await this.#failed(error as Error);
      throw error;
    }
    if (this.#failure) await this.#recovered();
  }

  async #wanted(): Promise<{ wanted: WantedNetwork; endpoints: ReadonlyMap<string, string> }> {
    const { store, keys, clock } = this.#parts;
    const secret = await keys.get(serviceSecret(this.row.id));
    if (!secret)
      throw new BorealisError('KEYS_UNOPENED', {
        detail: `The key of the VPN service ${this.row.name} is missing.`,
      });
    this.#connections = await connectionsOf(store.read, this.row.id);
    this.#forgetRemoved();
    const now = clock.now();
    const presharedKeyOf = ({ id, preshared_key }: ConnectionRow) =>
      preshared_key && keys.unseal(connectionSecret(id), preshared_key).toString('base64');
    const wanted = wantedVpn(
      this.row,
      this.#connections,
      { privateKey: secret.toString('base64'), presharedKeyOf },
      now,
    );
    // Where those are that WireGuard does not have, and that were there a while ago.
    const endpoints = new Map<string, string>();
    for (const row of this.#connections) {
      const { endpoint, last_handshake } = this.trafficOf(row);
      if (row.public_key === null || this.#peers.has(row.public_key) || !isActive(row, now)) continue;
      if (endpoint !== null && last_handshake !== null && now - last_handshake < RESUME_MS)
        endpoints.set(row.public_key, endpoint);
    }
    return { wanted, endpoints };
  }

  /** Two engines on one host would take each other's services down. Errors: WG_INTERFACE_FOREIGN. */
  async #peersThere(): Promise<ReadonlySet<string>> {
    const { interface: name, public_key } = this.row;
    const presence = (await this.#network.observe([name])).interfaces.get(name);
    if (presence?.state !== 'present') return new Set();
    const { publicKey, peers } = presence.interface;
    if (publicKey === null || publicKey === public_key) return new Set(peers.map((peer) => peer.publicKey));
    throw new BorealisError('WG_INTERFACE_FOREIGN', {
      detail: `${name} belongs to somebody else on this host; it was left alone.`,
    });
  }

  async #failed(error: Error): Promise<void> {
    const { log } = this.#parts;
    const known = this.#failure?.message === error.message;
    this.#failure = error;
    if (known) return;
    log.error({ err: error, vpn: this.row.name }, 'a VPN service is not as it should be');
    await this.#tell(`The VPN service ${this.row.name} failed: ${error.message}`, 'failed');
  }

  async #recovered(): Promise<void> {
    this.#failure = null;
    await this.#tell(`The VPN service ${this.row.name} is up again`, 'up');
  }

  async #tell(message: string, change: string): Promise<void> {
    const { store, events, log } = this.#parts;
    const data = { vpn: this.row.name, change };
    await store
      .write((tx) => events.record(tx, { type: 'vpn.changed', message, data }))
      .catch((error: unknown) => log.error({ err: error }, 'an event could not be recorded'));
  }

  /** Whatever of it is on this host; nothing where it never was. */
  async remove(): Promise<void> {
    this.#leaving = true;
    await this.#last;
    if (!this.#ours) return;
    try {
      await this.#network.teardown({ interfaces: [this.row.interface], firewall: true });
      this.#ours = false;
    } catch (error) {
      this.#leaving = false;
      throw error;
    }
  }

  // Traffic

  /** Looks what WireGuard has counted since, and tells who came and who went. */
  async look(): Promise<void> {
    const { clock, log } = this.#parts;
    if (!this.#ours) return;
    let peers: Awaited<ReturnType<Network['peers']>>;
    try {
      peers = await this.#network.peers(this.row.interface);
    } catch (error) {
      log.warn({ err: error, vpn: this.row.name }, 'the peers of a VPN service could not be read');
      return;
    }
    const found = new Map(peers?.map((peer) => [peer.publicKey, peer]));
    const now = clock.now();
    const told: NewEvent[] = [];
    for (const row of this.#connections) {
      if (row.public_key === null) continue;
      const before = this.trafficOf(row);
      const after = nextTraffic(before, found.get(row.public_key), now);
      if (isSame(before, after)) continue;
      this.#traffic.set(row.id, after);
      this.#unstored.add(row.id);
      if ((before.connected_since === null) !== (after.connected_since === null))
        told.push(arrival(this.row, row, after));
    }
    if (told.length > 0) await this.store(told);
    // Begun they are by now; whose client is elsewhere is not called for ever.
    if (this.#resuming) await this.apply().catch(() => undefined); // told where it fails
  }

  /** What has been counted, to the disk, with these events. */
  async store(told: readonly NewEvent[] = []): Promise<void> {
    const { store, events } = this.#parts;
    const changed = [...this.#unstored].map((id) => [id, this.#traffic.get(id)] as const);
    if (changed.length === 0 && told.length === 0) return;
    this.#unstored.clear();
    await store.write(async (tx) => {
      for (const [id, traffic] of changed)
        if (traffic) await tx.db.updateTable('vpn_connection').set(traffic).where('id', '=', id).execute();
      for (const event of told) await events.record(tx, event);
    });
  }

  #forgetRemoved(): void {
    const there = new Set(this.#connections.map(({ id }) => id));
    for (const id of [...this.#traffic.keys()]) {
      if (there.has(id)) continue;
      this.#traffic.delete(id);
      this.#unstored.delete(id);
    }
  }

  /** Of how many it knows a handshake that is recent. */
  get connected(): number {
    const now = this.#parts.clock.now();
    return this.#connections.filter((row) => isConnected(this.trafficOf(row), now)).length;
  }
}

const isSame = (a: Traffic, b: Traffic): boolean =>
  a.last_handshake === b.last_handshake &&
  a.connected_since === b.connected_since &&
  a.endpoint === b.endpoint &&
  a.rx_bytes === b.rx_bytes &&
  a.tx_bytes === b.tx_bytes &&
  a.rx_seen === b.rx_seen &&
  a.tx_seen === b.tx_seen;

const arrival = (service: ServiceRow, { name }: ConnectionRow, traffic: Traffic): NewEvent => {
  const came = traffic.connected_since !== null;
  return {
    type: came ? 'connection.connected' : 'connection.disconnected',
    message: `${name} of the VPN service ${service.name} ${came ? `is connected, from ${traffic.endpoint}` : 'is gone'}`,
    data: { vpn: service.name, connection: name, endpoint: traffic.endpoint },
  };
};

/** A client goes on using a session that we do not know, for 15 seconds: so we begin another one at once. */
const resuming = (wanted: WantedNetwork, endpoints: ReadonlyMap<string, string>): WantedNetwork => ({
  ...wanted,
  interfaces: wanted.interfaces?.map(
    (of): WantedInterface => ({
      ...of,
      peers: of.peers?.map((peer) => {
        const endpoint = endpoints.get(peer.publicKey);
        return endpoint === undefined ? peer : { ...peer, endpoint, persistentKeepalive: RESUME_KEEPALIVE };
      }),
    }),
  ),
});

/** Of packets that are to be passed on. */
const familiesOf = ({ firewall }: WantedNetwork): ReadonlySet<IpFamily> => {
  const networks = firewall && 'pools' in firewall ? [...firewall.local, ...firewall.sites] : [];
  return new Set(networks.map((text): IpFamily => (text.includes(':') ? 6 : 4)));
};
