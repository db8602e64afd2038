/** Where clients were when they were last there: one that WireGuard has again is called there, before it calls itself. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { socketAddress } from '../../protocol/bastion.ts';
import { wireguardKey } from '../../protocol/tunnel-session.ts';
import { writeFileDurably } from '../../sys/files.ts';
import type { ObservedPeer } from '../../wg/types.ts';

/** So long after its last handshake a client is still looked for where it was. */
const LOOKED_FOR_MS = 3_600_000;

const seen = z.object({
  endpoint: socketAddress,
  /** Milliseconds since 1970. */
  handshake: z.number().int(),
});
const file = z.record(wireguardKey, seen);

export class Whereabouts {
  readonly #path: string;
  readonly #seen = new Map<string, z.infer<typeof seen>>();

  constructor(path: string) {
    this.#path = path;
  }

  /** What the agent before knew when it ended in order. Clients find their way without it too, only later. */
  async open(): Promise<void> {
    try {
      const kept = file.parse(JSON.parse(await readFile(this.#path, 'utf8')));
      for (const [key, one] of Object.entries(kept)) this.#seen.set(key, one);
    } catch {
      // There is none, or it is of no use.
    }
  }

  async keep(): Promise<void> {
    await writeFileDurably(this.#path, JSON.stringify(Object.fromEntries(this.#seen)), { mode: 0o600 });
  }

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
