/** WireGuard and firewall of one VPN service on this device: as the engine wants them, and who is called just now. */
import { BorealisError } from '../../protocol/errors.ts';
import { publicKeyOf } from '../../wg/keys.ts';
import type { GatewayClient, ObservedPeer, WantedNetwork, WantedPeer } from '../../wg/types.ts';
import type { DutyService } from '../ha/duty-parts.ts';
import type { Kept } from './amended.ts';
import { type Calling, calling } from './calling.ts';
import type { HostedParts } from './hosted-parts.ts';
import { Queue } from './queue.ts';
import type { Whereabouts } from './whereabouts.ts';

/** What was changed alone is looked at when nothing has changed for so long, and after so long in any case. */
const QUIET_MS = 5_000;
const UNSEEN_MS = 60_000;
/** Seconds; only until a client that was connected before is so again. */
const RESUME_KEEPALIVE = 25;

/** What leads to it from what was kept before. */
export interface Change {
  readonly gone: readonly GatewayClient[];
  readonly come: readonly GatewayClient[];
}

export interface HostedNetworkParts extends Pick<HostedParts, 'network' | 'clock' | 'log'> {
  /** What it is to be now. */
  readonly kept: () => Kept;
  readonly whereabouts: Whereabouts;
}

export class HostedNetwork implements DutyService {
  readonly #parts: HostedNetworkParts;
  #calling: Calling | null = null;
  /** Somebody was called, and nothing was applied since that ends it. */
  #unsettled = false;
  /** Whether the interface was seen to be this service's, or not there, since this process began. */
  #ours = false;
  /** Handshakes are begun by us just now. */
  #resuming = false;
  /** When something was changed alone since all was looked at, monotonic: first, and last. */
  #amended: { readonly first: number; readonly last: number } | null = null;
  /** When the next connection expires, milliseconds since 1970. */
  #nextExpiry = Number.POSITIVE_INFINITY;
  readonly #turns = new Queue();
  #gone = false;
  #keysOf: { readonly of: Kept; readonly keys: ReadonlySet<string> } | undefined;

  constructor(parts: HostedNetworkParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.kept().service.network.interfaces[0]?.name ?? '';
  }

  /** It has come to its end, whether that went well or not. */
  get isGone(): boolean {
    return this.#gone;
  }

  /**
   * Whether it should be applied again: its interface is gone, handshakes were begun that are over by now, or it is to be
   * seen that what was changed alone is so.
   */
  async needsApply(): Promise<boolean> {
    const isToSettle = this.#unsettled && !this.#calling;
    return this.#resuming || isToSettle || this.#mayLook || (await this.peers()) === null;
  }

  /** A look at thousands would be in the way of whoever makes one change after the other. */
  get #mayLook(): boolean {
    if (!this.#amended) return false;
    const now = this.#parts.clock.monotonic();
    return now - this.#amended.last >= QUIET_MS || now - this.#amended.first >= UNSEEN_MS;
  }

  /** Somebody in it has expired since. */
  get hasExpired(): boolean {
    return this.#parts.clock.now() >= this.#nextExpiry;
  }

  guarded(): Promise<boolean> {
    return this.#parts.network.guarded();
  }

  /** Errors: WG_INTERFACE_FOREIGN, those of wg/apply.ts. */
  apply(): Promise<void> {
    return this.#turns.add(() => this.#apply());
  }

  async #apply(): Promise<void> {
    if (this.#gone) return;
    const network = this.#wanted();
    this.#nextExpiry = nextExpiryOf(network.interfaces?.flatMap(({ peers = [] }) => peers) ?? []);
    if (!this.#ours) await this.#demandOurs(network);
    const resuming = this.#calling ? null : await this.#resumed(network);
    await this.#parts.network.apply(calling(network, this.#calling ?? resuming));
    this.#resuming = resuming !== null;
    this.#unsettled = this.#calling !== null;
    this.#amended = null;
  }

  /** With thousands of clients, what one of them changes is a small part of it. False: it takes the whole. */
  async amend({ gone, come }: Change): Promise<boolean> {
    const { network, clock, log, kept } = this.#parts;
    if (this.#resuming || this.#calls(gone, come)) return false;
    const now = clock.now();
    if (come.some(({ peer }) => hasExpired(peer, now))) return false;
    let done = false;
    try {
      await this.#turns.add(async () => {
        if (this.#gone || this.#calling) return;
        const at = clock.monotonic();
        this.#amended = { first: this.#amended?.first ?? at, last: at };
        this.#nextExpiry = Math.min(this.#nextExpiry, nextExpiryOf(come.map(({ peer }) => peer)));
        done = await network.amend({ name: this.name, gone, come });
      });
    } catch (error) {
      const { name } = kept().service;
      // The first client of its kind, for instance, for whom the table has no set yet. What is wrong with the whole is told.
      log.debug({ err: error, vpn: name }, 'a change of a VPN service takes the whole of it');
      return false;
    }
    return done;
  }

  /** Whether somebody comes who is to be called (#resumed). */
  #calls(gone: Change['gone'], come: Change['come']): boolean {
    const { kept, whereabouts } = this.#parts;
    const before = new Set(gone.map(({ peer }) => peer.publicKey));
    const keys = come.map(({ peer }) => peer.publicKey).filter((key) => !before.has(key));
    return kept().service.ha === null && whereabouts.of(keys).size > 0;
  }

  /** Checked by the wg room, whatever the engine says. Without those that have expired, which it may not say any more. */
  #wanted(): WantedNetwork {
    const network = this.#told;
    const now = this.#parts.clock.now();
    return {
      ...network,
      interfaces: network.interfaces?.map((of) => ({
        ...of,
        peers: of.peers?.filter((peer) => !hasExpired(peer, now)),
      })),
    };
  }

  get #told(): WantedNetwork {
    return this.#parts.kept().service.network as unknown as WantedNetwork;
  }

  /** An engine on this machine has interfaces with such names too. Errors: WG_INTERFACE_FOREIGN. */
  async #demandOurs({ interfaces = [] }: WantedNetwork): Promise<void> {
    for (const { name, privateKey } of interfaces) {
      const found = await this.#parts.network.device(name);
      if (found?.publicKey && found.publicKey !== publicKeyOf(privateKey))
        throw new BorealisError('WG_INTERFACE_FOREIGN', {
          detail: `${name} belongs to somebody else on this machine; it was left alone.`,
        });
    }
    this.#ours = true;
  }

  async #isOurs(): Promise<boolean> {
    try {
      await this.#demandOurs(this.#told);
      return true;
    } catch (error) {
      if (error instanceof BorealisError && error.code === 'WG_INTERFACE_FOREIGN') return false;
      throw error;
    }
  }

  /**
   * A client goes on using a session that we do not know, for 15 seconds: so we begin another one at once, with those
   * that WireGuard does not have. In a pair that is the business of whoever has the address (agent/ha).
   */
  async #resumed(network: WantedNetwork): Promise<Calling | null> {
    const { kept, whereabouts } = this.#parts;
    if (kept().service.ha) return null;
    const there = new Set((await this.peers())?.map(({ publicKey }) => publicKey));
    const endpoints = whereabouts.of(keysOf(network).filter((key) => !there.has(key)));
    return endpoints.size > 0 ? { endpoints, keepalive: RESUME_KEEPALIVE } : null;
  }

  async peers(): Promise<readonly ObservedPeer[] | null> {
    const { network, whereabouts, clock } = this.#parts;
    const peers = (await network.peers(this.name))?.map(placed) ?? null;
    whereabouts.saw(peers ?? [], clock.now());
    return peers;
  }

  // For the part in a pair

  clients(): ReadonlySet<string> {
    return new Set(keysOf(this.#wanted()));
  }

  places(): ReadonlyMap<string, string> {
    return this.#parts.whereabouts.of(keysOf(this.#wanted()));
  }

  learnPlaces(endpoints: Iterable<readonly [string, string]>): void {
    const { whereabouts, clock } = this.#parts;
    const keys = this.#keys;
    whereabouts.learn(
      [...endpoints].filter(([key]) => keys.has(key)),
      clock.now(),
    );
  }

  /** Of all in it, also of those that have expired: asked for hundreds of times where thousands of clients move at once. */
  get #keys(): ReadonlySet<string> {
    const of = this.#parts.kept();
    if (this.#keysOf?.of !== of) this.#keysOf = { of, keys: new Set(keysOf(this.#told)) };
    return this.#keysOf.keys;
  }

  async startHandshakes(endpoints: ReadonlyMap<string, string>, keepalive: number): Promise<void> {
    this.#calling = { endpoints, keepalive };
    this.#unsettled = true;
    const network = calling(this.#wanted(), this.#calling);
    const peers = network.interfaces?.flatMap((of) => of.peers ?? []) ?? [];
    await this.#parts.network.call(
      this.name,
      peers.filter(({ publicKey }) => endpoints.has(publicKey)),
    );
  }

  async settle(): Promise<void> {
    this.#calling = null;
    await this.apply();
  }

  async clearSessions(): Promise<void> {
    this.#calling = null;
    await this.#turns.add(async () => {
      if (this.#gone) return;
      await this.#parts.network.forget(this.name);
      await this.#apply();
    });
  }

  /** It goes, and is not made again. Where it is somebody else's it is left alone. */
  remove(): Promise<void> {
    const { network, whereabouts, log } = this.#parts;
    return this.#turns.add(async () => {
      this.#gone = true;
      // Of an agent before this one, where nothing could be applied since.
      if (!this.#ours && !(await this.#isOurs())) return await whereabouts.close();
      // Where it cannot be kept, clients are back some seconds later.
      await this.peers()
        .then(() => whereabouts.keep())
        .catch((error: unknown) => log.warn({ err: error }, 'where clients are could not be kept'));
      await whereabouts.close();
      await network.teardown({ interfaces: [this.name], firewall: true });
    });
  }
}

const keysOf = ({ interfaces }: WantedNetwork): string[] =>
  interfaces?.flatMap(({ peers = [] }) => peers.map(({ publicKey }) => publicKey)) ?? [];

const hasExpired = ({ expiresAt }: WantedPeer, now: number): boolean =>
  expiresAt !== undefined && expiresAt <= now;

const nextExpiryOf = (peers: readonly WantedPeer[]): number =>
  peers.reduce((next, { expiresAt }) => Math.min(next, expiresAt ?? next), Number.POSITIVE_INFINITY);

/** At an address of one link alone nobody else could call it, nor we on another one. */
const placed = (peer: ObservedPeer): ObservedPeer =>
  peer.endpoint?.includes('%') ? { ...peer, endpoint: null } : peer;
