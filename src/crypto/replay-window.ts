/**
 * Remembers which proofs were seen, so that none counts twice (RFC 9449 §11.1). Bounded: per key, so that one device
 * cannot use up the room of all, and in total. When there is no room the answer is 'full', and the caller refuses.
 *
 * Nothing is forgotten before room is needed. What is forgotten is remembered as a horizon: a proof that would have
 * expired before it cannot be told from a replay any more and counts as one, even if the clock is set back.
 */
const SWEEP_EVERY_MS = 1000;

export type Admission = 'fresh' | 'replayed' | 'full';

export interface ReplayLimits {
  /** Proofs remembered in total. A remembered proof takes about 150 bytes. */
  readonly capacity?: number;
  /** Proofs remembered per key thumbprint. */
  readonly perKey?: number;
}

export class ReplayWindow {
  readonly #capacity: number;
  readonly #perKey: number;
  /** jkt → jti → when the proof stops being acceptable by its own time, in milliseconds since 1970. */
  readonly #seen = new Map<string, Map<string, number>>();
  #size = 0;
  #horizon = Number.NEGATIVE_INFINITY;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor({ capacity = 262_144, perKey = 128 }: ReplayLimits = {}) {
    this.#capacity = capacity;
    this.#perKey = perKey;
  }

  get size(): number {
    return this.#size;
  }

  /** `expiresAt`: from then on the proof would be refused for its age anyway. Both in milliseconds since 1970. */
  admit(jkt: string, jti: string, expiresAt: number, now: number): Admission {
    if (!(expiresAt > this.#horizon)) return 'replayed';
    let ofKey = this.#seen.get(jkt);
    if (ofKey?.has(jti)) return 'replayed';
    if (ofKey && ofKey.size >= this.#perKey) this.#forget(jkt, ofKey, now);
    if (this.#size >= this.#capacity) this.#forgetAll(now);
    ofKey = this.#seen.get(jkt);
    if (this.#size >= this.#capacity || (ofKey && ofKey.size >= this.#perKey)) return 'full';
    if (!(expiresAt > this.#horizon)) return 'replayed';
    if (!ofKey) {
      ofKey = new Map();
      this.#seen.set(jkt, ofKey);
    }
    ofKey.set(jti, expiresAt);
    this.#size += 1;
    return 'fresh';
  }

  #forgetAll(now: number): void {
    // A full window under attack must not cost a walk over all of it for every request.
    if (Math.abs(now - this.#sweptAt) < SWEEP_EVERY_MS) return;
    this.#sweptAt = now;
    for (const [jkt, proofs] of this.#seen) this.#forget(jkt, proofs, now);
  }

  #forget(jkt: string, proofs: Map<string, number>, now: number): void {
    for (const [jti, expiresAt] of proofs) {
      if (expiresAt > now) continue;
      proofs.delete(jti);
      this.#size -= 1;
      this.#horizon = Math.max(this.#horizon, expiresAt);
    }
    if (proofs.size === 0) this.#seen.delete(jkt);
  }
}
