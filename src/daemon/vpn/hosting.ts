/** One device that runs a service, as the engine knows it now. */
import { digestText, type ServiceDigest } from '../../crypto/service-digest.ts';
import type { BastionPeersFrame, BastionStateFrame, HostedHa } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { ObservedPeer } from '../../wg/types.ts';
import { deviceFailure } from '../devices/failure.ts';

/** Who is to run a service, and with what part in a pair. */
export interface Node {
  readonly guid: string;
  readonly ha: HostedHa | null;
}

export interface DeviceFacts {
  readonly name: string;
  readonly state: string;
}

/** A part of it may have been lost on the way, or refused by a clock that is far off. */
const AGAIN_MS = 30_000;
/** For the device to say what it has, once it is connected. */
const SAYS_MS = 1_000;

export class Hosting {
  node: Node;
  /** Null: it is gone. */
  facts: DeviceFacts | null = null;
  /** On the channel that there is now. */
  said: BastionStateFrame | null = null;
  /** Of what it is to hold (crypto/service-digest.ts). */
  digest: ServiceDigest | null = null;
  /** Revision and moment, monotonic; 0: nothing on this channel. */
  #sent = { revision: 0, at: 0 };
  #readyAt = 0;
  #news = Promise.withResolvers<void>();
  readonly #peers = new Map<string, ObservedPeer>();

  constructor(node: Node) {
    this.node = node;
  }

  get guid(): string {
    return this.node.guid;
  }

  get name(): string {
    return this.facts?.name ?? this.guid.slice(0, 8);
  }

  get peers(): ReadonlyMap<string, ObservedPeer> {
    return this.#peers;
  }

  /** Resolves with whatever is heard of it next. */
  get news(): Promise<void> {
    return this.#news.promise;
  }

  ready(now: number): void {
    this.said = null;
    this.#sent = { revision: 0, at: 0 };
    this.#readyAt = now;
  }

  left(): void {
    this.said = null;
    this.#sent = { revision: 0, at: 0 };
    this.#stir();
  }

  heard(frame: BastionStateFrame): void {
    this.said = frame;
    // What was told is of no use there.
    if (frame.wants_whole) this.#sent = { revision: 0, at: 0 };
    this.#stir();
  }

  heardPeers({ peers }: BastionPeersFrame, isOurs: (publicKey: string) => boolean, wallMs: number): void {
    const now = Math.ceil(wallMs / 1000);
    for (const { public_key, endpoint, last_handshake, received, sent } of peers) {
      if (!isOurs(public_key)) continue;
      this.#peers.set(public_key, {
        publicKey: public_key,
        presharedKeyDigest: null,
        endpoint,
        // Nobody is connected in the future, whatever the device's clock says.
        lastHandshake: last_handshake === null ? null : Math.min(last_handshake, now),
        receivedBytes: received,
        sentBytes: sent,
        persistentKeepalive: 0,
        allowedIps: [],
      });
    }
  }

  forgetPeers(isOurs: (publicKey: string) => boolean): void {
    for (const key of this.#peers.keys()) if (!isOurs(key)) this.#peers.delete(key);
  }

  sent(revision: number, now: number): void {
    this.#sent = { revision, at: now };
    // What it says from now on is the answer.
    if (this.said?.state === 'failed') this.said = null;
  }

  isIn(revision: number): boolean {
    return this.said?.state === 'up' && this.said.revision === revision;
  }

  /** Whether it has said that it holds exactly that: then it can be told alone what changes. */
  holds(revision: number, digest: ServiceDigest): boolean {
    return this.isIn(revision) && this.said?.digest === digestText(digest);
  }

  /** Whether it is to be told: that it is not so, or has not said a word of it. `now`: monotonic. */
  needs(revision: number, now: number): boolean {
    if (this.isIn(revision)) return false;
    if (this.#sent.revision !== revision) return this.said !== null || now - this.#readyAt >= SAYS_MS;
    // What it keeps it tries again by itself.
    const tries = this.said?.state === 'failed' && this.said.digest === this.#wantedDigest;
    return !tries && now - this.#sent.at >= AGAIN_MS;
  }

  get #wantedDigest(): string | null {
    return this.digest === null ? null : digestText(this.digest);
  }

  hasSent(revision: number): boolean {
    return this.#sent.revision === revision;
  }

  /** What it says has gone wrong there. */
  get failure(): BorealisError | null {
    const { said } = this;
    return said?.state === 'failed' ? deviceFailure(this.name, said) : null;
  }

  /** Why it may not run anything; null: it may. */
  get barred(): BorealisError | null {
    if (this.facts === null)
      return new BorealisError('DEVICE_NOT_FOUND', { detail: 'The device that ran it is no more.' });
    if (this.facts.state === 'active') return null;
    return new BorealisError('DEVICE_STATE_CONFLICT', { detail: `${this.name} is ${this.facts.state}.` });
  }

  #stir(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
