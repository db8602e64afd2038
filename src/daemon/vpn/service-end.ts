/** One service on this host: its interface, table and routes as the store wants them, and what its peers carry. */
import { socketAddress } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { GatewayNetwork } from '../../wg/network.ts';
import type { WantedInterface, WantedNetwork } from '../../wg/types.ts';
import { Accounts } from './accounts.ts';
import type { EndParts, VpnEnd } from './end.ts';
import { type Changed, InForce } from './in-force.ts';
import { type ConnectionRow, connectionsBy, connectionsOf, type ServiceRow } from './rows.ts';
import type { Traffic } from './traffic.ts';
import { Trouble } from './trouble.ts';
import { Turns } from './turns.ts';
import { isActive } from './wanted.ts';
import { familiesOf, presharedKeyOf, wantedNow } from './wanted-now.ts';

/** Seconds; only until a client that was connected before is so again. */
const RESUME_KEEPALIVE = 25;
/** So long after its last handshake a client is still looked for where it was. */
const RESUME_MS = 3_600_000;

export class ServiceEnd implements VpnEnd {
  readonly row: ServiceRow;
  readonly node = 'engine';
  readonly waiting = null;
  readonly #parts: EndParts;
  readonly #network: GatewayNetwork;
  readonly #accounts: Accounts;
  readonly #trouble: Trouble;
  /** Whether the interface was seen to be ours, or made, since this process began. */
  #ours = false;
  /** Whether there may be something of it on this host: of an engine before, or half made. */
  #begun = false;
  #leaving = false;
  /** Public keys that WireGuard has already. */
  #peers = new Set<string>();
  /** Handshakes are begun by us just now. */
  #resuming = false;
  readonly #turns = new Turns(async (due) => {
    if (due === 'all' || !(await this.#amend([...due]))) await this.#apply();
  });
  /** Undefined where it is not known for sure. */
  #inForce: InForce | undefined;
  /** Something was changed alone since all was looked at. */
  #amended = false;

  constructor(row: ServiceRow, network: GatewayNetwork, parts: EndParts) {
    this.row = row;
    this.#network = network;
    this.#parts = parts;
    this.#accounts = new Accounts(row, parts);
    this.#trouble = new Trouble(row, parts);
  }

  get failure(): Error | null {
    return this.#trouble.failure;
  }

  get retries(): boolean {
    return this.failure !== null || this.#amended;
  }

  get nextExpiry(): number | null {
    return this.#accounts.nextExpiry;
  }

  trafficOf(row: ConnectionRow): Traffic {
    return this.#accounts.trafficOf(row);
  }

  apply(only?: readonly string[]): Promise<void> {
    return this.#turns.add(only);
  }

  /**
   * With thousands of connections, what one of them changes is a small part of what it takes to look at all. False: it
   * takes the whole.
   */
  async #amend(ids: readonly string[]): Promise<boolean> {
    const { store, clock, log } = this.#parts;
    if (this.#leaving || this.#resuming || this.failure || !this.#inForce) return false;
    try {
      const rows = new Map((await connectionsBy(store.read, ids)).map((row) => [row.id, row]));
      const changed = ids.map((id): Changed => [id, rows.get(id)]);
      const now = clock.now();
      if ([...rows.values()].some((row) => this.#lastSeenAt(row, now) !== null)) return false;
      const amendment = this.#inForce.amendment(changed, now);
      if (!amendment || !(await this.#network.amend(amendment))) return false;
      this.#inForce.amended(changed, now);
      this.#accounts.change(changed);
      for (const { peer } of amendment.gone) this.#peers.delete(peer.publicKey);
      for (const { peer } of amendment.come) this.#peers.add(peer.publicKey);
      this.#amended = true;
      return true;
    } catch (error) {
      this.#inForce = undefined;
      // The first client of its kind, for instance, for whom the table has no set yet. What is wrong with the whole is told.
      log.debug({ err: error, vpn: this.row.name }, 'a change of a VPN service takes the whole of it');
      return false;
    }
  }

  async #apply(): Promise<void> {
    if (this.#leaving) return;
    this.#inForce = undefined;
    try {
      if (!this.#ours) this.#peers = await this.#peersThere();
      const { wanted, endpoints, inForce } = await this.#wanted();
      await this.#network.apply(resuming(wanted, endpoints));
      this.#ours = true;
      this.#resuming = endpoints.size > 0;
      this.#peers = new Set(
        wanted.interfaces?.flatMap(({ peers = [] }) => peers.map(({ publicKey }) => publicKey)),
      );
      this.#amended = false;
      // After it: who is shut out is out, whatever this says; and packets are passed on behind a firewall only.
      await this.#parts.forwarding.demand(familiesOf(wanted));
      this.#inForce = inForce;
    } catch (error) {
      await this.#trouble.failed(error as Error);
      throw error;
    }
    await this.#trouble.over();
  }

  async #wanted(): Promise<{
    wanted: WantedNetwork;
    endpoints: ReadonlyMap<string, string>;
    inForce: InForce;
  }> {
    const { store, clock, keys } = this.#parts;
    const accounts = this.#accounts;
    accounts.connections = await connectionsOf(store.read, this.row.id);
    const now = clock.now();
    const inForce = new InForce(this.row, accounts.connections, presharedKeyOf(keys), now);
    const wanted = await wantedNow(this.row, accounts.connections, this.#parts, now);
    // Where those are that WireGuard does not have, and that were there a while ago.
    const endpoints = new Map<string, string>();
    for (const row of accounts.connections) {
      const endpoint = this.#lastSeenAt(row, now);
      if (row.public_key !== null && endpoint !== null) endpoints.set(row.public_key, endpoint);
    }
    return { wanted, endpoints, inForce };
  }

  /** Of one that is let in, and that WireGuard does not have; null: nowhere, or long ago. */
  #lastSeenAt(row: ConnectionRow, now: number): string | null {
    if (row.public_key === null || this.#peers.has(row.public_key) || !isActive(row, now)) return null;
    const { endpoint, last_handshake } = this.#accounts.trafficOf(row);
    // At an address of one link alone WireGuard is not told to call anybody.
    if (!socketAddress.safeParse(endpoint).success) return null;
    return last_handshake !== null && now - last_handshake < RESUME_MS ? endpoint : null;
  }

  /** Two engines on one host would take each other's services down. Errors: WG_INTERFACE_FOREIGN. */
  async #peersThere(): Promise<Set<string>> {
    const { interface: name, public_key } = this.row;
    const presence = (await this.#network.observe([name])).interfaces.get(name);
    if (presence?.state === 'present') {
      const { publicKey, peers } = presence.interface;
      if (publicKey === null || publicKey === public_key) {
        this.#begun = true;
        return new Set(peers.map((peer) => peer.publicKey));
      }
      this.#begun = false;
      throw new BorealisError('WG_INTERFACE_FOREIGN', {
        detail: `${name} belongs to somebody else on this host; it was left alone.`,
      });
    }
    // Of another kind it is somebody else's too: apply leaves it alone, and says so.
    this.#begun = presence?.state !== 'foreign';
    return new Set();
  }

  close(): Promise<void> {
    return this.remove();
  }

  /** Whatever of it is on this host; nothing where it never was. */
  async remove(): Promise<void> {
    this.#leaving = true;
    await this.#turns.over;
    if (!this.#ours && !this.#begun) return;
    try {
      await this.#network.teardown({ interfaces: [this.row.interface], firewall: true });
      this.#ours = false;
      this.#begun = false;
    } catch (error) {
      this.#leaving = false;
      throw error;
    }
  }

  async look(): Promise<void> {
    const { clock, log } = this.#parts;
    if (!this.#ours) return;
    let peers: Awaited<ReturnType<GatewayNetwork['peers']>>;
    try {
      peers = await this.#network.peers(this.row.interface);
    } catch (error) {
      log.warn({ err: error, vpn: this.row.name }, 'the peers of a VPN service could not be read');
      return;
    }
    if (peers === null) {
      // Gone, or it hangs. Whoever was there is called again.
      if (!this.failure) log.warn({ vpn: this.row.name }, 'the WireGuard of a VPN service was lost');
      this.#peers.clear();
      await this.apply().catch(() => undefined); // told where it fails
      return;
    }
    if (await this.#isOpen()) {
      log.error({ vpn: this.row.name }, 'the firewall of a VPN service was taken away');
      await this.apply().catch(() => undefined); // told where it fails
    }
    const found = new Map(peers.map((peer) => [peer.publicKey, peer]));
    await this.#accounts.count(({ public_key }) => found.get(public_key), clock.now());
    // Begun they are by now; whose client is elsewhere is not called for ever.
    if (this.#resuming) await this.apply().catch(() => undefined); // told where it fails
  }

  /** Without its firewall it leads everywhere. */
  async #isOpen(): Promise<boolean> {
    try {
      return !(await this.#network.guarded());
    } catch (error) {
      this.#parts.log.warn(
        { err: error, vpn: this.row.name },
        'the firewall of a VPN service cannot be seen',
      );
      return false;
    }
  }

  store(): Promise<void> {
    return this.#accounts.store();
  }
}

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
