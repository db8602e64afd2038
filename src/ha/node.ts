/**
 * A node that may have the floating address: asks the voters for it, renews it, gives it up. It has the address by its own
 * vote and one more. Pure: it is told the time and what came in, and says what to send and for how long to keep the address.
 */
import type { LeaseTimes, Voter } from './voter.ts';

export type VoteMessage =
  /** `firm`: give me the promise; else: would you? */
  | { readonly kind: 'ask'; readonly question: number; readonly firm: boolean }
  | {
      readonly kind: 'answer';
      readonly question: number;
      readonly firm: boolean;
      readonly granted: boolean;
      /** To whom it is promised, where it was not granted. */
      readonly holder: string | null;
    }
  | { readonly kind: 'release'; readonly question: number };

export interface Sent {
  readonly to: string;
  readonly message: VoteMessage;
}

export interface Step {
  readonly send: readonly Sent[];
  /**
   * Milliseconds for which the kernel is to keep the address from now on, whole. 0: take it away now. Null: as it is; it goes
   * by itself.
   */
  readonly lifetime: number | null;
}

export interface NodeOptions {
  /** Of this node and this process of it: another one after a restart. */
  readonly name: string;
  /** The two other voters. */
  readonly others: readonly [string, string];
  readonly times: LeaseTimes;
  /** This node's own vote, which the others ask too. */
  readonly voter: Voter;
  /** Milliseconds that it lets the other one go first when nobody has the address; 0 for the preferred one. Asked each time. */
  readonly modesty: () => number;
  /** Any number, another for each process: answers to one before, which are on their way still, fit none of its questions. */
  readonly firstQuestion?: number;
}

interface Asked {
  readonly question: number;
  readonly at: number;
}

type Refusal = Pick<Extract<VoteMessage, { kind: 'answer' }>, 'question' | 'firm' | 'holder'>;

const NOTHING: Step = { send: [], lifetime: null };

export class HaNode {
  readonly #options: NodeOptions;
  #question = 0;
  /** Firm questions that may still be answered, by when they were asked. */
  #asked: Asked[] = [];
  #probed: Asked | undefined;
  #leaseUntil = Number.NEGATIVE_INFINITY;
  #holding = false;
  #askAt = Number.NEGATIVE_INFINITY;
  #freeSince: number | undefined;
  /** Does not ask before: it gave the address to the other one. */
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#question = options.firstQuestion ?? 0;
  }

  /** Whether it had the right to the address at its last step, and until when. */
  get holding(): boolean {
    return this.#holding;
  }

  get leaseUntil(): number {
    return this.#leaseUntil;
  }

  /** To be called each few tens of milliseconds. */
  tick(now: number): Step {
    if (this.#holding && now >= this.#leaseUntil) return this.#lost(now);
    if (now < this.#askAt || now < this.#restUntil) return NOTHING;
    return this.#holding ? this.#renew(now) : this.#probe(now);
  }

  /** What another voter has answered. */
  heard(from: string, message: Extract<VoteMessage, { kind: 'answer' }>, now: number): Step {
    if (!message.granted) return this.#refused(message, now);
    if (message.firm) return this.#granted(message.question, now);
    const probed = this.#probed;
    // A yes that is old may be another's by now; the firm question finds that out.
    if (this.#holding || probed?.question !== message.question || now < this.#restUntil) return NOTHING;
    this.#probed = undefined;
    return this.#askFirmly(now, [from]);
  }

  /** Gives the address to the other node: it is gone here before anybody hears of it. */
  release(now: number, restMs: number): Step {
    const { name, voter, others } = this.#options;
    this.#restUntil = now + restMs;
    this.#holding = false;
    this.#leaseUntil = Number.NEGATIVE_INFINITY;
    this.#asked = [];
    const message = { kind: 'release', question: this.#question } as const;
    voter.release(name, this.#question, now);
    return { send: others.map((to) => ({ to, message })), lifetime: 0 };
  }

  /** The other one gives it: whatever this one rested for is over. */
  invited(): void {
    this.#restUntil = Number.NEGATIVE_INFINITY;
  }

  /** Nobody who could be heard had the address: would they give it? */
  #probe(now: number): Step {
    const { name, voter, others, times, modesty } = this.#options;
    if (!voter.wouldGrant(name, now).granted) {
      this.#freeSince = undefined;
      return NOTHING;
    }
    this.#freeSince ??= now;
    if (now - this.#freeSince < modesty()) return NOTHING;
    this.#askAt = now + times.renew / 5;
    const question = this.#next();
    this.#probed = { question, at: now };
    return this.#toAll(others, { kind: 'ask', question, firm: false });
  }

  #askFirmly(now: number, to: readonly string[]): Step {
    const { name, voter, times } = this.#options;
    const question = this.#next();
    if (!voter.ask(name, question, now)?.granted) return NOTHING;
    this.#asked = this.#asked.filter(({ at }) => now - at < times.promise);
    this.#asked.push({ question, at: now });
    return this.#toAll(to, { kind: 'ask', question, firm: true });
  }

  #renew(now: number): Step {
    const { others, times } = this.#options;
    this.#askAt = now + times.renew;
    return this.#askFirmly(now, others);
  }

  /**
   * The voter's promise began when it heard the question, so it lasts at least `promise` from when that was asked; our own
   * vote was given then too. Less what the clocks may differ by, and by how much the kernel is late.
   */
  #granted(question: number, now: number): Step {
    const { times } = this.#options;
    const asked = this.#asked.find((one) => one.question === question);
    if (!asked || now < this.#restUntil) return NOTHING;
    const until = asked.at + times.promise * (1 - times.drift) - times.kernelLate;
    const lifetime = Math.floor(until - now);
    // The answer was long on its way: the address would be gone before it is renewed.
    if (lifetime < (this.#holding ? 1 : times.renew) || until <= this.#leaseUntil) return NOTHING;
    if (!this.#holding) this.#askAt = now + times.renew;
    this.#holding = true;
    this.#leaseUntil = until;
    return { send: [], lifetime };
  }

  /** Our own vote, given in vain, would keep the address from whoever has the others'. No answer to it counts any more. */
  #refused({ question, firm, holder }: Refusal, now: number): Step {
    if (!firm || this.#holding) return NOTHING;
    this.#asked = this.#asked.filter((one) => one.question !== question);
    const { name, voter, times } = this.#options;
    if (this.#asked.length === 0) voter.release(name, this.#question, now);
    // Each may have asked the other at the same moment, and would again: one of the two waits, always the same.
    if (holder !== null && holder > name) this.#askAt = Math.max(this.#askAt, now + times.renew);
    return NOTHING;
  }

  #lost(now: number): Step {
    this.#holding = false;
    this.#asked = [];
    this.#askAt = now;
    return { send: [], lifetime: 0 };
  }

  #next(): number {
    this.#question += 1;
    return this.#question;
  }

  #toAll(others: readonly string[], message: VoteMessage): Step {
    return { send: others.map((to) => ({ to, message })), lifetime: null };
  }
}
