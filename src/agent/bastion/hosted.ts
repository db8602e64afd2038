/** One VPN service on this device: its network as the engine wants it, and its part in a pair, if it has one. */
import { digestText } from '../../crypto/service-digest.ts';
import type { VoteMessage } from '../../ha/node.ts';
import type { BastionStateFrame, HostedHa, HostedHaState } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Forwarding } from '../../wg/forwarding.ts';
import { publicKeyOf } from '../../wg/keys.ts';
import type { GatewayNetwork } from '../../wg/network.ts';
import type {
  GatewayClient,
  ObservedPeer,
  WantedInterface,
  WantedNetwork,
  WantedPeer,
} from '../../wg/types.ts';
import type { DutyService } from '../ha/duty-parts.ts';
import type { AgentLog } from '../log.ts';
import type { Kept } from './amended.ts';
import type { Leniency } from './conntrack.linux.ts';
import type { Leaving } from './kept.ts';
import type { Whereabouts } from './whereabouts.ts';

/** What was changed alone is looked at when nothing has changed for so long, and after so long in any case. */
const QUIET_MS = 5_000;
const UNSEEN_MS = 60_000;
/** Seconds; only until a client that was connected before is so again. */
const RESUME_KEEPALIVE = 25;

/** What agent/ha does for it. */
export interface HaPart {
  readonly state: HostedHaState;
  readonly isHolder: boolean;
  /** Why it could not have the address, of late. */
  readonly failure: Error | null;
  start(): void;
  turnTo(endpoint: string | null): void;
  /** Base64url; only who has it too is heard. */
  rekey(key: string): void;
  give(reason: 'planned' | 'stopped'): Promise<void>;
  vote(from: string, message: VoteMessage): void;
  close(): Promise<void>;
}

export interface HostedParts {
  readonly network: GatewayNetwork;
  readonly forwarding: Forwarding;
  readonly leniency: Pick<Leniency, 'demand'>;
  /** Errors: HA_NO_INTERFACE, HA_ADDRESS_TAKEN, NET_ADMIN_REQUIRED, PORT_TAKEN, …. */
  readonly openHa: (
    ha: HostedHa,
    service: DutyService,
    revision: () => number,
    of: { readonly id: string; readonly name: string },
  ) => Promise<HaPart>;
  /** Takes from this machine what an agent that was killed has left of a part in a pair. */
  readonly clearHa: (ha: NonNullable<Leaving['ha']>, id: string) => Promise<void>;
  /** Its state is another one now. */
  readonly told: () => void;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: AgentLog;
}

/** What leads to it from what was kept before. */
export interface Change {
  readonly gone: readonly GatewayClient[];
  readonly come: readonly GatewayClient[];
}

interface Calling {
  readonly endpoints: ReadonlyMap<string, string>;
  readonly keepalive: number;
}

export class Hosted implements DutyService {
  readonly #parts: HostedParts;
  #kept: Kept;
  /** That is in force; 0: none yet. */
  #revision = 0;
  #failure: BorealisError | null = null;
  #calling: Calling | null = null;
  readonly #whereabouts: Whereabouts;
  /** Whether the interface was seen to be this service's, or not there, since this process began. */
  #ours = false;
  /** Handshakes are begun by us just now. */
  #resuming = false;
  /** When something was changed alone since all was looked at, monotonic: first, and last. */
  #amended: { readonly first: number; readonly last: number } | null = null;
  /** When the next connection expires, milliseconds since 1970. */
  #nextExpiry = Number.POSITIVE_INFINITY;
  #ha: HaPart | undefined;
  #haAs = '';
  #haKey: string | undefined;
  #guarding = false;
  readonly #turns = new Queue();
  /** Of its own: a part in a pair that ends in a turn wants the network once more. */
  readonly #network = new Queue();
  #gone = false;

  constructor(kept: Kept, parts: HostedParts, whereabouts: Whereabouts) {
    this.#kept = kept;
    this.#parts = parts;
    this.#whereabouts = whereabouts;
  }

  get id(): string {
    return this.#kept.service.id;
  }

  get interfaceName(): string {
    return this.#kept.service.network.interfaces[0]?.name ?? '';
  }

  get kept(): Kept {
    return this.#kept;
  }

  /** It has come to its end, whether that went well or not: it serves nobody again. */
  get isGone(): boolean {
    return this.#gone;
  }

  get failure(): BorealisError | null {
    return this.#failure;
  }

  get ha(): HaPart | undefined {
    return this.#ha;
  }

  get frame(): BastionStateFrame {
    const failure = this.#failure ?? this.#ha?.failure ?? null;
    return {
      type: 'BASTION_STATE',
      service: this.id,
      revision: this.#revision,
      // Without the address it serves whoever comes to its own; the part in a pair says itself that it failed.
      state: this.#failure ? 'failed' : 'up',
      error_code: failure && (failure instanceof BorealisError ? failure.code : 'INTERNAL'),
      error: failure?.message.slice(0, 2_000) ?? null,
      ha: this.#ha?.state ?? null,
      digest: digestText(this.#kept.digest),
    };
  }

  /** Like this from now on. What fails is in `failure`, and tried again by whoever calls `apply`. */
  async be(kept: Kept, change?: Change): Promise<void> {
    const from = this.#kept.revision;
    this.#kept = kept;
    await this.#turns.add(async () => {
      if (!change || !(await this.#amend(from, kept.revision, change))) await this.#apply();
    });
  }

  /**
   * Whether it should be applied again: it failed, its interface is gone, handshakes were begun that are over by now, or
   * it is to be seen that what was changed alone is so.
   */
  async needsApply(): Promise<boolean> {
    return this.#failure !== null || this.#resuming || this.#mayLook || (await this.peers()) === null;
  }

  /** A look at thousands would be in the way of whoever makes one change after the other. */
  get #mayLook(): boolean {
    if (!this.#amended) return false;
    const now = this.#parts.clock.monotonic();
    return now - this.#amended.last >= QUIET_MS || now - this.#amended.first >= UNSEEN_MS;
  }

  /** Puts its firewall back where somebody has taken it away, and whoever has expired out. */
  async guard(): Promise<void> {
    const { network, log, clock } = this.#parts;
    // What failed is tried again anyway.
    if (this.#guarding || this.#revision === 0 || this.#failure) return;
    if (clock.now() < this.#nextExpiry) {
      if (await network.guarded()) return;
      log.error({ vpn: this.#kept.service.name }, 'the firewall of a VPN service was taken away');
    }
    this.#guarding = true;
    await this.apply();
    this.#guarding = false;
  }

  /** Never rejects. */
  apply(): Promise<void> {
    return this.#turns.add(() => this.#apply());
  }

  async #apply(): Promise<void> {
    if (this.#gone) return;
    const { forwarding, log, told } = this.#parts;
    const { service, revision } = this.#kept;
    const before = `${this.#revision} ${this.#failure?.message}`;
    try {
      // First: who is shut out is out, whatever fails after that; and packets are passed on behind a firewall only.
      await this.#network.add(() => this.#applyNetwork());
      await forwarding.demand(new Set(service.families));
      if (service.ha) await this.#parts.leniency.demand();
      await this.#beInPair(service.ha);
      this.#revision = revision;
      this.#failure = null;
    } catch (error) {
      const failure =
        error instanceof BorealisError ? error : new BorealisError('INTERNAL', { cause: error });
      if (failure.message !== this.#failure?.message)
        log.error({ err: error, vpn: service.name }, 'a VPN service is not as it should be');
      this.#failure = failure;
    }
    if (before !== `${this.#revision} ${this.#failure?.message}`) told();
  }

  /** With thousands of clients, what one of them changes is a small part of it. False: it takes the whole. */
  async #amend(from: number, to: number, { gone, come }: Change): Promise<boolean> {
    const { network, log, told } = this.#parts;
    if (this.#revision !== from || this.#failure || this.#resuming || this.#calls(gone, come)) return false;
    const now = this.#parts.clock.now();
    if (come.some(({ peer }) => hasExpired(peer, now))) return false;
    let done = false;
    try {
      await this.#network.add(async () => {
        if (this.#gone || this.#calling) return;
        const at = this.#parts.clock.monotonic();
        this.#amended = { first: this.#amended?.first ?? at, last: at };
        this.#nextExpiry = Math.min(this.#nextExpiry, nextExpiryOf(come.map(({ peer }) => peer)));
        done = await network.amend({ name: this.interfaceName, gone, come });
      });
    } catch (error) {
      const { name } = this.#kept.service;
      // The first client of its kind, for instance, for whom the table has no set yet. What is wrong with the whole is told.
      log.debug({ err: error, vpn: name }, 'a change of a VPN service takes the whole of it');
      return false;
    }
    if (!done) return false;
    this.#revision = to;
    told();
    return true;
  }

  /** Whether somebody comes who is to be called (#resumed). */
  #calls(gone: Change['gone'], come: Change['come']): boolean {
    const before = new Set(gone.map(({ peer }) => peer.publicKey));
    const keys = come.map(({ peer }) => peer.publicKey).filter((key) => !before.has(key));
    return this.#kept.service.ha === null && this.#whereabouts.of(keys).size > 0;
  }

  /** To be called in a turn of the network. */
  async #applyNetwork(): Promise<void> {
    if (this.#gone) return;
    const network = this.#wanted();
    this.#nextExpiry = nextExpiryOf(network.interfaces?.flatMap(({ peers = [] }) => peers) ?? []);
    if (!this.#ours) await this.#demandOurs(network);
    const resuming = this.#calling ? null : await this.#resumed(network);
    await this.#parts.network.apply(calling(network, this.#calling ?? resuming));
    this.#resuming = resuming !== null;
    this.#amended = null;
  }

  /** Checked by the wg room, whatever the engine says. Without those that have expired, which it may not say any more. */
  #wanted(): WantedNetwork {
    const network = this.#kept.service.network as unknown as WantedNetwork;
    const now = this.#parts.clock.now();
    return {
      ...network,
      interfaces: network.interfaces?.map((of) => ({
        ...of,
        peers: of.peers?.filter((peer) => !hasExpired(peer, now)),
      })),
    };
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
      await this.#demandOurs(this.#kept.service.network as unknown as WantedNetwork);
      return true;
    } catch (error) {
      if (error instanceof BorealisError && error.code === 'WG_INTERFACE_FOREIGN') return false;
      throw error;
    }
  }

  /** What of it must be taken from the machine when it goes, and no key. */
  get leaving(): Leaving {
    const { id, ha, network } = this.#kept.service;
    const { name = '', privateKey = '' } = network.interfaces[0] ?? {};
    return {
      id,
      interface: name,
      publicKey: publicKeyOf(privateKey),
      ha: ha && { address: ha.address, interface: ha.interface },
    };
  }

  /**
   * A client goes on using a session that we do not know, for 15 seconds: so we begin another one at once, with those
   * that WireGuard does not have. In a pair that is the business of whoever has the address (agent/ha).
   */
  async #resumed(network: WantedNetwork): Promise<Calling | null> {
    if (this.#kept.service.ha) return null;
    const there = new Set((await this.peers())?.map(({ publicKey }) => publicKey));
    const wanted = network.interfaces?.flatMap(({ peers = [] }) => peers.map(({ publicKey }) => publicKey));
    const endpoints = this.#whereabouts.of((wanted ?? []).filter((key) => !there.has(key)));
    return endpoints.size > 0 ? { endpoints, keepalive: RESUME_KEEPALIVE } : null;
  }

  async #beInPair(ha: HostedHa | null): Promise<void> {
    const as = ha ? JSON.stringify({ ...ha, other_endpoint: null, key: null }) : '';
    if (as !== this.#haAs) {
      const old = this.#ha;
      this.#ha = undefined;
      this.#haAs = '';
      await old?.close();
      if (ha) {
        this.#ha = await this.#begun(ha);
        this.#haAs = as;
        this.#haKey = ha.key;
      }
    }
    if (!ha || !this.#ha) return;
    if (this.#haKey !== ha.key) this.#ha.rekey(ha.key);
    this.#haKey = ha.key;
    this.#ha.turnTo(ha.other_endpoint);
  }

  async #begun(ha: HostedHa): Promise<HaPart> {
    const opened = await this.#parts.openHa(ha, this, () => this.#revision, this.#kept.service);
    try {
      opened.start();
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  // For the part in a pair

  async peers(): Promise<readonly ObservedPeer[] | null> {
    const peers = (await this.#parts.network.peers(this.interfaceName))?.map(placed) ?? null;
    this.#whereabouts.saw(peers ?? [], this.#parts.clock.now());
    return peers;
  }

  places(): ReadonlyMap<string, string> {
    const { interfaces } = this.#wanted();
    const keys = interfaces?.flatMap(({ peers = [] }) => peers.map(({ publicKey }) => publicKey));
    return this.#whereabouts.of(keys ?? []);
  }

  async startHandshakes(endpoints: ReadonlyMap<string, string>, keepalive: number): Promise<void> {
    this.#calling = { endpoints, keepalive };
    const network = calling(this.#wanted(), this.#calling);
    const peers = network.interfaces?.flatMap((of) => of.peers ?? []) ?? [];
    await this.#parts.network.call(
      this.interfaceName,
      peers.filter(({ publicKey }) => endpoints.has(publicKey)),
    );
  }

  async settle(): Promise<void> {
    this.#calling = null;
    await this.#network.add(() => this.#applyNetwork());
  }

  async clearSessions(): Promise<void> {
    this.#calling = null;
    await this.#network.add(async () => {
      if (this.#gone) return;
      await this.#parts.network.forget(this.interfaceName);
      await this.#applyNetwork();
    });
  }

  /** The network goes; what was kept stays. */
  close(): Promise<void> {
    return this.#turns.add(async () => {
      // An address that cannot be got rid of, which the kernel ends, is no reason to go on serving.
      await this.#ha
        ?.close()
        .catch((error: unknown) =>
          this.#parts.log.error({ err: error }, 'a floating address could not be given up in order'),
        );
      await this.#network.add(async () => {
        this.#gone = true;
        // Of an agent before this one, where nothing could be applied since.
        if (!this.#ours && !(await this.#isOurs())) return;
        // Where it cannot be kept, clients are back some seconds later.
        await this.peers()
          .then(() => this.#whereabouts.keep())
          .catch((error: unknown) =>
            this.#parts.log.warn({ err: error }, 'where clients are could not be kept'),
          );
        await this.#parts.network.teardown({ interfaces: [this.interfaceName], firewall: true });
      });
    });
  }
}

const hasExpired = ({ expiresAt }: WantedPeer, now: number): boolean =>
  expiresAt !== undefined && expiresAt <= now;

const nextExpiryOf = (peers: readonly WantedPeer[]): number =>
  peers.reduce((next, { expiresAt }) => Math.min(next, expiresAt ?? next), Number.POSITIVE_INFINITY);

/** At an address of one link alone nobody else could call it, nor we on another one. */
const placed = (peer: ObservedPeer): ObservedPeer =>
  peer.endpoint?.includes('%') ? { ...peer, endpoint: null } : peer;

/** One after the other. Rejects as the work does; who comes after begins anew. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();

  add(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined); // whose turn it was hears of it
    return turn;
  }
}

/** Handshakes are begun with those whose place is known: a keepalive to somebody without a session begins one. */
const calling = (network: WantedNetwork, call: Calling | null): WantedNetwork => {
  if (!call) return network;
  return {
    ...network,
    interfaces: network.interfaces?.map(
      (of): WantedInterface => ({
        ...of,
        peers: of.peers?.map((peer) => {
          const endpoint = call.endpoints.get(peer.publicKey);
          return endpoint === undefined ? peer : { ...peer, endpoint, persistentKeepalive: call.keepalive };
        }),
      }),
    ),
  };
};
