/**
 * Where the clients of a service are, on both nodes: the holder sees it, the standby must know it within a second, to
 * begin the handshakes when it takes over. Changes are numbered and told until they are known; nothing is told twice.
 */
import { ENTRIES_MAX, type EndpointsMessage } from './messages.ts';

export interface PeerPlace {
  readonly publicKey: string;
  readonly endpoint: string | null;
  /** Null: never shaken hands. */
  readonly lastHandshake: number | null;
}

interface Told {
  readonly endpoint: string | null;
  /** The number of this change. */
  readonly at: number;
}

/**
 * Datagrams that may be under way unanswered: as many as the socket of the other node keeps while its process is busy
 * (net.core.rmem_default, 2.3 KiB each), and no burst that drowns the votes. The next ones go when these are answered.
 */
export const ROUND_MAX = 64;
/** Of how many clients the place is known at most: more than any service has, and what a hostile other node can fill. */
export const ENDPOINTS_MAX = 100_000;

/** The holder's side. */
export class EndpointsTeller {
  /** Of one time of having the address: what is told in another one is another story. */
  readonly from: string;
  readonly #known = new Map<string, Told>();
  #version = 0;
  #acknowledged = 0;
  /** Up to where the last round told. */
  #told = 0;
  #size = 0;

  constructor(from: string) {
    this.from = from;
  }

  /** All peers as they are now. Whoever has never shaken hands is nowhere. */
  saw(peers: readonly PeerPlace[]): void {
    const there = new Set<string>();
    for (const { publicKey, endpoint, lastHandshake } of peers) {
      if (endpoint === null || lastHandshake === null) continue;
      there.add(publicKey);
      if (this.#known.get(publicKey)?.endpoint !== endpoint) this.#set(publicKey, endpoint);
    }
    for (const [key, { endpoint }] of this.#known)
      if (endpoint !== null && !there.has(key)) this.#set(key, null);
  }

  #set(key: string, endpoint: string | null): void {
    this.#version += 1;
    const before = this.#known.get(key)?.endpoint ?? null;
    this.#size += Number(endpoint !== null) - Number(before !== null);
    // Last in the map, so that the map is in the order of the numbers.
    this.#known.delete(key);
    this.#known.set(key, { endpoint, at: this.#version });
  }

  /** What the other node does not have yet, as far as one round goes. */
  round(): EndpointsMessage[] {
    const open = [...this.#known]
      .filter(([, { at }]) => at > this.#acknowledged)
      .slice(0, ROUND_MAX * ENTRIES_MAX);
    const messages: EndpointsMessage[] = [];
    let base = this.#acknowledged;
    for (let i = 0; i < open.length; i += ENTRIES_MAX) {
      const part = open.slice(i, i + ENTRIES_MAX);
      const upto = part.at(-1)![1].at;
      const entries = part.map(([key, { endpoint }]): [string, string | null] => [key, endpoint]);
      messages.push({ t: 'peers', from: this.from, base, upto, entries });
      base = upto;
    }
    this.#told = base;
    return messages;
  }

  /** The last round is known there, and it was not all. */
  get mayGoOn(): boolean {
    return this.#acknowledged >= this.#told && !this.isKnown;
  }

  /** Whether that is news. */
  acknowledged(upto: number): boolean {
    if (upto > this.#version || upto <= this.#acknowledged) return false;
    this.#acknowledged = upto;
    return true;
  }

  /** Another process listens at the other end, and has nothing yet. */
  startOver(): void {
    this.#acknowledged = 0;
    this.#told = 0;
  }

  /** Where each is, by public key. */
  get all(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#known].flatMap(([key, { endpoint }]) => (endpoint === null ? [] : [[key, endpoint]])),
    );
  }

  /** How many are somewhere: asked for many times a second, however many there are. */
  get size(): number {
    return this.#size;
  }

  get isKnown(): boolean {
    return this.#acknowledged >= this.#version;
  }
}

/** The standby's side: what the holders told, the last one's word for each client. */
export class EndpointsReplica {
  readonly #endpoints = new Map<string, string>();
  #of: string | undefined;
  #have = 0;

  /** What is known after it, to be told back; null where something before it is missing. */
  heard({ from, base, upto, entries }: EndpointsMessage): number | null {
    if (from !== this.#of) {
      // Of those that the new holder has not heard yet, the last word of the one before stands.
      if (base !== 0) return null;
      this.#of = from;
      this.#have = 0;
    }
    if (base > this.#have) return null;
    // What is old comes again when its answer was lost; it must not undo what is newer.
    if (upto > this.#have) {
      for (const [key, endpoint] of entries) {
        if (endpoint === null) this.#endpoints.delete(key);
        else this.#put(key, endpoint);
      }
      this.#have = upto;
    }
    return this.#have;
  }

  /** This node had the address itself until now: nobody knows better. */
  learn(endpoints: ReadonlyMap<string, string>): void {
    for (const [key, endpoint] of endpoints) this.#put(key, endpoint);
  }

  #put(key: string, endpoint: string): void {
    if (this.#endpoints.size < ENDPOINTS_MAX || this.#endpoints.has(key)) this.#endpoints.set(key, endpoint);
  }

  /** By public key. */
  get all(): ReadonlyMap<string, string> {
    return this.#endpoints;
  }
}
