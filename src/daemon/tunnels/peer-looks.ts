/**
 * Looks at all peers of our WireGuard: with a thousand of them each takes its process and ours milliseconds, so those who
 * ask together share one.
 */
import type { ObservedPeer } from '../../wg/types.ts';

/** By public key. */
export type Peers = ReadonlyMap<string, ObservedPeer> | null;

export class PeerLooks {
  readonly #look: () => Promise<readonly ObservedPeer[] | null>;
  readonly #now: () => number;
  #running: Promise<unknown> | undefined;
  #next: Promise<Peers> | undefined;
  #last: { readonly peers: Peers; readonly at: number } | undefined;

  /** `now`: milliseconds, monotonic. */
  constructor(look: () => Promise<readonly ObservedPeer[] | null>, now: () => number) {
    this.#look = look;
    this.#now = now;
  }

  /** As they are now: a look that was begun before is no answer to this. */
  fresh(): Promise<Peers> {
    this.#next ??= this.#afterRunning();
    return this.#next;
  }

  /** As they were at most so many milliseconds ago. */
  async recent(ageMs: number): Promise<Peers> {
    const last = this.#last;
    return last && this.#now() - last.at <= ageMs ? last.peers : this.fresh();
  }

  async #afterRunning(): Promise<Peers> {
    await this.#running;
    const at = this.#now();
    const look = this.#look();
    this.#next = undefined;
    this.#running = look.catch(() => undefined); // whoever asked hears of it
    const seen = await look;
    const peers = seen && new Map(seen.map((peer) => [peer.publicKey, peer]));
    this.#last = { peers, at };
    return peers;
  }
}
