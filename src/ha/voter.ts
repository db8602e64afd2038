/**
 * One of the three who decide which node may have the floating address (docs/adr/0008). It promises the address to one
 * node at a time, for a while, by its own monotonic clock: no two clocks are ever compared.
 */

/** Milliseconds, except where it says otherwise. The same on all three. */
export interface LeaseTimes {
  /** For how long a promise binds the voter that gave it. */
  readonly promise: number;
  /** Between two renewals, and between two tries to get the address. */
  readonly renew: number;
  /** How far the rates of two clocks may differ, as a fraction. */
  readonly drift: number;
  /** By which the address may be had for longer than was said: a tick of the fence (fence.linux.ts), and what a call takes. */
  readonly kernelLate: number;
}

export const LEASE_SECONDS = { min: 1, max: 30, usual: 2 } as const;

/** Renewals in one lease: so many in a row that are lost, and the address with them. More, and one is begun before the other is answered. */
export const LEASE_RENEWALS = { min: 3, max: 10, usual: 4 } as const;

/** For an address that another node may have `seconds` (of LEASE_SECONDS) after its last renewal. */
export const leaseOf = (seconds: number, renewals: number = LEASE_RENEWALS.usual): LeaseTimes => ({
  promise: seconds * 1_000,
  renew: Math.ceil((seconds * 1_000) / renewals),
  drift: 0.001,
  kernelLate: 50,
});
/** An address that is renewed each half second and gone two seconds after the last renewal. */
export const LEASE: LeaseTimes = leaseOf(LEASE_SECONDS.usual);
/** Shorter, and each hiccup of a busy machine would move it. */
export const SHORTEST_LEASE: LeaseTimes = leaseOf(LEASE_SECONDS.min);

const REMEMBERED = 64;

export type Answer =
  /** Promised, until `promise` after the question was heard. */
  | { readonly granted: true }
  /** Promised to somebody else, or nobody knows: it has just begun, and may have promised before. */
  | { readonly granted: false; readonly holder: string | null; readonly freeIn: number };

export class Voter {
  readonly #times: LeaseTimes;
  #holder: string | null = null;
  #until: number;
  /** Of each candidate: the newest question that was heard or taken back. What is older came late, and means nothing. */
  readonly #newest = new Map<string, number>();

  /** `now`: milliseconds of a monotonic clock. What an earlier process of this voter promised is waited out. */
  constructor(times: LeaseTimes, now: number) {
    this.#times = times;
    this.#until = now + times.promise;
  }

  /** To whom it is promised now. */
  holder(now: number): string | null {
    return now < this.#until ? this.#holder : null;
  }

  isFree(now: number): boolean {
    return now >= this.#until;
  }

  /** What `ask` would say, promising nothing. */
  wouldGrant(candidate: string, now: number): Answer {
    if (this.isFree(now) || this.#holder === candidate) return { granted: true };
    return { granted: false, holder: this.#holder, freeIn: this.#until - now };
  }

  /**
   * `candidate`: a node, and which of its processes, since another one knows nothing of what this one asked. `question` grows
   * with each of that candidate's. Null: it is older than one heard before.
   */
  ask(candidate: string, question: number, now: number): Answer | null {
    if (question <= (this.#newest.get(candidate) ?? Number.NEGATIVE_INFINITY)) return null;
    const answer = this.wouldGrant(candidate, now);
    this.#remember(candidate, question);
    if (!answer.granted) return answer;
    this.#holder = candidate;
    this.#until = now + this.#times.promise;
    return answer;
  }

  /**
   * The holder has the address no more and asks for nothing: who is next need not wait. `question`: the last that it asked;
   * a word that comes after a newer question was asked is of the past.
   */
  release(holder: string, question: number, now: number): boolean {
    if (question < (this.#newest.get(holder) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#remember(holder, question);
    if (this.#holder !== holder || this.isFree(now)) return false;
    this.#until = now;
    return true;
  }

  /** Of processes that ended long ago nothing comes any more. */
  #remember(candidate: string, question: number): void {
    this.#newest.delete(candidate);
    this.#newest.set(candidate, question);
    for (const oldest of this.#newest.keys()) {
      if (this.#newest.size <= REMEMBERED) break;
      this.#newest.delete(oldest);
    }
  }
}
