/**
 * Where clients were when they were last there: one that WireGuard has again is called there, before it calls itself. Kept on
 * disk, so that an agent that was killed knows it too.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { socketAddress } from '../../protocol/bastion.ts';
import { wireguardKey } from '../../protocol/tunnel-session.ts';
import { writeFileDurably } from '../../sys/files.ts';
import type { ObservedPeer } from '../../wg/types.ts';
import type { AgentLog } from '../log.ts';

/** A client is still looked for where it was for so long after its last handshake, or for half of it. */
const LOOKED_FOR_MS = 3_600_000;
/** Clients move rarely, and all together: what is seen meanwhile goes with it. */
const KEEP_AFTER_MS = 2_000;

const seen = z.object({
  endpoint: socketAddress,
  /** Milliseconds since 1970. */
  handshake: z.number().int(),
});
const file = z.record(wireguardKey, seen);

export class Whereabouts {
  readonly #path: string;
  readonly #log: AgentLog;
  readonly #seen = new Map<string, z.infer<typeof seen>>();
  #keeping: NodeJS.Timeout | undefined;
  #written: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(path: string, log: AgentLog) {
    this.#path = path;
    this.#log = log;
  }

  /** What the agent before knew. Clients find their way without it too, only later. */
  async open(): Promise<void> {
    try {
      const kept = file.parse(JSON.parse(await readFile(this.#path, 'utf8')));
      for (const [key, one] of Object.entries(kept)) this.#seen.set(key, one);
    } catch {
      // There is none, or it is of no use.
    }
  }

  /** Resolves when it is on disk. */
  keep(): Promise<void> {
    clearTimeout(this.#keeping);
    this.#keeping = undefined;
    const write = async (): Promise<void> => {
      if (this.#closed) return;
      const text = JSON.stringify(Object.fromEntries(this.#seen));
      await writeFileDurably(this.#path, text, { mode: 0o600 });
    };
    const written = this.#written.then(write);
    // Whoever waits for it hears of it; the next one is another try.
    this.#written = written.catch(() => {});
    return written;
  }

  /** Nothing more of it is written; resolves when nothing is. */
  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#keeping);
    return this.#written;
  }

  saw(peers: readonly ObservedPeer[], now: number): void {
    for (const { publicKey, endpoint, lastHandshake } of peers)
      if (endpoint !== null && lastHandshake !== null)
        this.#put(publicKey, { endpoint, handshake: lastHandshake * 1000 });
    for (const [key, { handshake }] of this.#seen)
      if (now - handshake >= LOOKED_FOR_MS) this.#seen.delete(key);
  }

  /** By public key: where the other node of a pair has them. */
  learn(endpoints: Iterable<readonly [string, string]>, now: number): void {
    for (const [key, endpoint] of endpoints) this.#put(key, { endpoint, handshake: now });
  }

  #put(key: string, one: z.infer<typeof seen>): void {
    const before = this.#seen.get(key);
    // Not each handshake is worth a write.
    if (before?.endpoint === one.endpoint && one.handshake - before.handshake < LOOKED_FOR_MS / 2) return;
    this.#seen.set(key, one);
    this.#keepSoon();
  }

  #keepSoon(): void {
    if (this.#closed) return;
    this.#keeping ??= setTimeout(() => {
      this.keep().catch((error: unknown) =>
        this.#log.warn({ err: error }, 'where clients are could not be kept'),
      );
    }, KEEP_AFTER_MS);
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
