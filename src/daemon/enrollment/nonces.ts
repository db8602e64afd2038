/** Single-use nonces, one outstanding for each request: a new one takes the place of the one before. In memory: after a restart the agent polls again. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../sys/clock.ts';

const LIFE_MS = 60_000;
const KEPT = 32_768;

export class Nonces {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #outstanding = new Map<string, { readonly nonce: string; readonly until: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** 32 bytes, base64url. */
  issue(requestId: string): string {
    const nonce = randomBytes(32).toString('base64url');
    this.#outstanding.delete(requestId);
    this.#outstanding.set(requestId, { nonce, until: this.#clock.monotonic() + LIFE_MS });
    if (this.#outstanding.size > KEPT) this.#outstanding.delete(this.#outstanding.keys().next().value!);
    return nonce;
  }

  /** True once, for the nonce that is outstanding; whatever is presented, it is used up. */
  take(requestId: string, nonce: string): boolean {
    const found = this.#outstanding.get(requestId);
    this.#outstanding.delete(requestId);
    if (!found || this.#clock.monotonic() >= found.until) return false;
    const [a, b] = [Buffer.from(found.nonce), Buffer.from(nonce)];
    return a.length === b.length && timingSafeEqual(a, b);
  }
}
