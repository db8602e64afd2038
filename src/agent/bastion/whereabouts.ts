/** Where clients were when they were last there: one that WireGuard has again is called there, before it calls itself. */
import type { ObservedPeer } from '../../wg/types.ts';

/** So long after its last handshake a client is still looked for where it was. */
const LOOKED_FOR_MS = 3_600_000;

interface Seen {
  readonly endpoint: string;
  /** Milliseconds since 1970. */
  readonly handshake: number;
}

export class Whereabouts {
  readonly #seen = new Map<string, Seen>();

  saw(peers: readonly ObservedPeer[], now: number): void {
    for (const { publicKey, endpoint, lastHandshake } of peers)
      if (endpoint !== null && lastHandshake !== null)
        this.#seen.set(publicKey, { endpoint, handshake: lastHandshake * 1000 });
    for (const [key, { handshake }] of this.#seen)
      if (now - handshake >= LOOKED_FOR_MS) this.#seen.delete(key);
  }

  /** Of those of `keys` that may still be there. */
  of(keys: Iterable<string>): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const key of keys) {
      const seen = this.#seen.get(key);
      if (seen) found.set(key, seen.endpoint);
    }
    return found;
  }
}
