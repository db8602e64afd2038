/**
 * Keys that seal TLS session tickets (RFC 8446 §4.6.1). Persisted, so that agents resume after a restart of the engine
 * at a fifth of the cost of a full handshake; rotated daily, so that a key that leaks opens few sessions.
 *
 * Node holds one set at a time: what was sealed under the old one ends in a full handshake. Agents get a new ticket
 * with each token refresh, every 15 minutes, so a rotation costs each of them one handshake at most.
 */
import { randomBytes } from 'node:crypto';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';

const SECRET = 'tls-ticket-keys';
/** Name, HMAC key and AES key, 16 bytes each (`tls.Server.setTicketKeys`). */
const KEY_BYTES = 48;
export const TICKET_KEY_LIFE_MS = 86_400_000;
/** How long a ticket is good for, seconds. */
export const TICKET_LIFE_SECONDS = 86_400;
/** Keys that fell due while the engine was down are kept this long for the agents that come back to it. */
const RETURN_MS = 600_000;

export class TicketKeys {
  readonly #store: Store;
  readonly #keys: KeyRing;
  readonly #clock: Clock;
  #current!: Buffer;
  #madeAt!: number;
  #keepUntil = 0;

  private constructor(store: Store, keys: KeyRing, clock: Clock) {
    this.#store = store;
    this.#keys = keys;
    this.#clock = clock;
  }

  static async open(store: Store, keys: KeyRing, clock: Clock): Promise<TicketKeys> {
    const own = new TicketKeys(store, keys, clock);
    const sealed = await keys.get(SECRET);
    if (sealed?.length === KEY_BYTES + 8) {
      own.#current = sealed.subarray(0, KEY_BYTES);
      own.#madeAt = sealed.readDoubleBE(KEY_BYTES);
      own.#keepUntil = clock.now() + RETURN_MS;
    } else await own.#make();
    return own;
  }

  get current(): Buffer {
    return this.#current;
  }

  /** True where the keys were replaced. */
  async rotateIfDue(): Promise<boolean> {
    const now = this.#clock.now();
    const age = now - this.#madeAt;
    // A clock set back must not keep keys for ever; after twice their life no ticket of theirs is good any more.
    const due = age >= TICKET_KEY_LIFE_MS || age < 0;
    if (!due || (now < this.#keepUntil && age >= 0 && age < 2 * TICKET_KEY_LIFE_MS)) return false;
    await this.#make();
    return true;
  }

  async #make(): Promise<void> {
    const made = randomBytes(KEY_BYTES);
    const madeAt = this.#clock.now();
    const sealed = Buffer.alloc(KEY_BYTES + 8);
    made.copy(sealed);
    sealed.writeDoubleBE(madeAt, KEY_BYTES);
    await this.#store.write((tx) => this.#keys.put(tx, SECRET, sealed));
    this.#current = made;
    this.#madeAt = madeAt;
  }
}
