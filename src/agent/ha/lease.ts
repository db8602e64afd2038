/** The engine's own way: a lease by majority of both nodes and the engine, ha/node.ts; its end is in the kernel's hand. */
import { randomInt } from 'node:crypto';
import { HaNode, type Step, type VoteMessage } from '../../ha/node.ts';
import { Voter } from '../../ha/voter.ts';
import { answerTo } from '../../ha/voting.ts';
import { type Decider, type DeciderParts, type MakeDecider, type Voting, WITNESS } from './decider.ts';

/** The preferred node goes first when both begin at once. */
const MODESTY_MS = 150;
/** A node that could not have it lets the other one try, each time for longer. */
const REST_MS = 3_000;
const REST_MAX_MS = 60_000;
/** Of the holder that renews each `renew`: so much less than a promise that it has missed some. */
const DOUBT_MS = 1_000;
/** What it may take to tell the kernel: of `kernelLate`, which a tick of the fence is the rest of. */
const CALL_MS = 20;
/** Of which one is begun with. */
const MOST_QUESTIONS = 2 ** 47;

export const makeLease: MakeDecider = (parts) => new Lease(parts);

class Lease implements Decider {
  readonly #parts: DeciderParts;
  readonly #voter: Voter;
  readonly #node: HaNode;
  /** One unbroken time of having the right to it. */
  #tenure: object | undefined;
  #failures = 0;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: DeciderParts) {
    const { ha, name, clock, otherHadAt } = parts;
    this.#parts = parts;
    this.#voter = new Voter(ha.lease, clock.monotonic());
    this.#node = new HaNode({
      name,
      others: [ha.other, WITNESS],
      times: ha.lease,
      voter: this.#voter,
      // The other one had it and has it no more: there is nobody to wait for.
      modesty: () => (ha.preferred || otherHadAt() > Number.NEGATIVE_INFINITY ? 0 : MODESTY_MS),
      firstQuestion: randomInt(MOST_QUESTIONS),
    });
  }

  start(): void {}

  tick(now: number): void {
    // Its own vote is given in any case.
    if (this.#node.holding || this.#parts.mayAsk(now)) this.#do(this.#node.tick(now));
  }

  isKept(now: number): boolean {
    const answer = this.#voter.wouldGrant(this.#parts.name, now);
    return !answer.granted && answer.holder !== null && answer.freeIn > DOUBT_MS;
  }

  rests(now: number): boolean {
    return this.#failures > 0 && now < this.#restUntil;
  }

  release(restMs: number): Promise<void> {
    this.#release(restMs);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.#tenure ? this.release(REST_MS) : Promise.resolve();
  }

  voted(from: Voting, name: string, message: VoteMessage, now: number): void {
    const { ha, send, otherHas, mayAsk } = this.#parts;
    if (message.kind === 'answer') {
      // A promise that is not wanted any more runs out by itself.
      if (!this.#node.holding && !mayAsk(now)) return;
      this.#do(this.#node.heard(from === WITNESS ? WITNESS : ha.other, message, now));
      return;
    }
    if (from === WITNESS) return; // it asks for nothing
    const answer = answerTo(this.#voter, name, message, now);
    if (answer) send('other', answer.message);
    if (message.kind === 'ask' && message.firm && this.#voter.holder(now) === name) otherHas();
    if (message.kind !== 'release') return;
    // It is free: at once, rather than at the next tick, and also where it was given away from here just before.
    if (!this.rests(now)) this.#node.invited();
    this.tick(now);
  }

  #do(step: Step): void {
    const { address, lost, send } = this.#parts;
    // It is gone from here before anybody hears that it is free.
    if (step.lifetime === 0) {
      this.#tenure = undefined;
      try {
        address.drop();
      } finally {
        lost();
      }
    }
    for (const { to, message } of step.send) send(to === WITNESS ? WITNESS : 'other', message);
    if (step.lifetime !== null && step.lifetime > 0) this.#hold(step.lifetime);
  }

  #hold(milliseconds: number): void {
    const { address, clock } = this.#parts;
    // Whoever stops processes may do so at any step, and again: the kernel counts from when it is told, the lease does not.
    for (let told = Number.POSITIVE_INFINITY; ; ) {
      const left = Math.floor(this.#node.leaseUntil - clock.monotonic());
      if (left < 1) {
        address.drop();
        return; // the next tick finds that it is over
      }
      if (left >= told - CALL_MS) break;
      told = Math.min(milliseconds, left);
      try {
        address.hold(told);
      } catch (error) {
        this.#fail(error as Error);
        return;
      }
    }
    if (!this.#tenure) this.#begin();
  }

  #begin(): void {
    const tenure = {};
    this.#tenure = tenure;
    const moved = this.#parts.address.moved?.();
    if (!moved) {
      this.#took();
      return;
    }
    moved.then(
      () => this.#tenure === tenure && this.#took(),
      (error: unknown) => this.#tenure === tenure && this.#fail(error as Error),
    );
  }

  #took(): void {
    this.#failures = 0;
    this.#parts.took();
  }

  #fail(error: Error): void {
    const rest = Math.min(REST_MAX_MS, REST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#parts.failed(error);
    this.#release(rest);
  }

  #release(restMs: number): void {
    const now = this.#parts.clock.monotonic();
    // Where that cannot be, nobody is told that it is free, this node's own vote least of all.
    if (this.#tenure) this.#parts.address.drop();
    this.#restUntil = now + restMs;
    this.#do(this.#node.release(now, restMs));
  }
}
