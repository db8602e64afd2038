/**
 * One node's part in a pair: does what comes with having the floating address, and stops when it is gone. Who has it is
 * decided elsewhere (decider.ts).
 */
import { randomBytes } from 'node:crypto';
import type { VoteMessage } from '../../ha/node.ts';
import type { HostedHaState } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { ClientPlaces } from './client-places.ts';
import { type Decider, WITNESS } from './decider.ts';
import type { DutyParts } from './duty-parts.ts';
import { makeLease } from './lease.ts';
import { LATE_MS, OtherNode } from './other-node.ts';
import { PairTalk } from './pair-talk.ts';
import { Status } from './status.ts';
import { Strangers } from './strangers.ts';
import { Tenures } from './tenures.ts';

const TICK_MS = 25;
/** Who has given the address away does not ask for it until the other one has had the time to take it. */
const REST_MS = 3_000;
/** How long the other one is waited for: until it knows where all clients are; until it has the address. */
const TOLD_MS = 300;
const TAKEN_MS = 700;

export class Duty {
  readonly #parts: DutyParts;
  readonly #decider: Decider;
  readonly #places: ClientPlaces;
  readonly #tenures: Tenures;
  readonly #other: OtherNode;
  readonly #strangers: Strangers;
  readonly #status: Status;
  readonly #talk: PairTalk;
  #timer: NodeJS.Timeout | undefined;
  #leaving: 'planned' | 'stopped' | null = null;
  #closed = false;

  constructor(parts: DutyParts) {
    const { ha, decide = makeLease } = parts;
    this.#parts = parts;
    // Of this process: whoever comes after it knows nothing of what it asked.
    const name = `${ha.self}/${randomBytes(9).toString('base64url')}`;
    const isHolder = (): boolean => this.isHolder;
    this.#other = new OtherNode(parts);
    this.#strangers = new Strangers({
      ...parts,
      text: ha.address,
      isHolder,
      otherHardware: () => this.#other.presence?.hardware,
    });
    this.#places = new ClientPlaces({
      ...parts,
      name,
      isHolder,
      say: (message) => parts.datagrams.send(message),
    });
    this.#tenures = new Tenures({
      ...parts,
      places: this.#places,
      presence: () => this.#other.presence,
      changed: () => this.#changed(),
      safely: (work) => this.#safely(work),
    });
    this.#status = new Status({
      ...parts,
      tenures: this.#tenures,
      other: this.#other,
      strangers: this.#strangers,
      places: this.#places,
    });
    this.#talk = new PairTalk({
      ...parts,
      name,
      leaving: () => this.#leaving,
      decider: () => this.#decider,
      other: this.#other,
      tenures: this.#tenures,
      places: this.#places,
      strangers: this.#strangers,
      status: this.#status,
    });
    this.#decider = decide({
      ...parts,
      name,
      mayAsk: (now) => this.#mayAsk(now),
      send: (to, message) => (to === WITNESS ? parts.ask(name, message) : this.#talk.vote(message)),
      otherHas: () => this.#tenures.otherHas(),
      otherHadAt: () => this.#tenures.otherHadAt,
      took: () => {
        if (!this.#closed) this.#tenures.took();
      },
      lost: () => this.#tenures.lost(),
      failed: (error) => this.#status.fail(error),
    });
  }

  start(): void {
    const { address, datagrams } = this.#parts;
    this.#strangers.start();
    // Of a process before this one, whose lease is not ours.
    address.drop();
    address.onAnswer((hardware) => this.#safely(() => this.#strangers.answered(hardware)));
    datagrams.onMessage((data) => {
      if (!this.#closed) this.#safely(() => this.#talk.heard(data));
    });
    this.#timer = setInterval(() => this.#safely(() => this.#tick()), TICK_MS);
    this.#tenures.clear();
    this.#decider.start();
  }

  /** Where the other node hears votes, as the engine knows it. */
  turnTo(endpoint: string | null): void {
    this.#parts.datagrams.turnTo(endpoint);
  }

  /**
   * The other device was shut out, or let in again: whoever does not have this key is heard no more. What was promised stays
   * promised, and the address where it is: given up now, it would be given to the very device that was shut out.
   */
  rekey(key: string): void {
    const { datagrams, ha } = this.#parts;
    datagrams.rekey(Buffer.from(key, 'base64url'));
    const hardware = this.#other.presence?.hardware;
    if (hardware !== undefined) this.#strangers.shutOut(hardware, ha.lease.promise + LATE_MS);
    this.#other.forget();
  }

  get isHolder(): boolean {
    return this.#tenures.isHolder;
  }

  get state(): HostedHaState {
    return this.#status.state;
  }

  /** Why this node could not have the address, in the last minute. */
  get failure(): Error | null {
    return this.#status.failure(this.#parts.clock.monotonic());
  }

  /** The engine's vote, or its question. */
  vote(from: string, message: VoteMessage): void {
    if (from !== WITNESS || this.#closed) return;
    this.#safely(() => this.#decider.voted(WITNESS, from, message, this.#parts.clock.monotonic()));
  }

  /**
   * Gives the address to the other node, once that knows all. Errors: HA_NOT_READY, with why. Resolves when it is given;
   * that the other one has it, that one tells.
   */
  async give(reason: 'planned' | 'stopped'): Promise<void> {
    if (!this.isHolder || this.#leaving) return;
    const why = this.#other.unready(this.#parts.clock.monotonic());
    if (why !== null) throw new BorealisError('HA_NOT_READY', { detail: why });
    await this.#places.look();
    await this.#until(() => this.#places.areTold, TOLD_MS);
    await this.#leave(reason);
  }

  async #leave(reason: 'planned' | 'stopped'): Promise<void> {
    this.#leaving = reason;
    this.#talk.present('leaving');
    try {
      await this.#decider.release(REST_MS);
    } finally {
      this.#leaving = null;
    }
  }

  /** The address is given to the other node where that can be, and is gone from here. */
  async close(): Promise<void> {
    if (this.#closed) return;
    if (this.isHolder) await this.#giveUp();
    this.#closed = true;
    clearInterval(this.#timer);
    this.#tenures.stop();
    const { address, datagrams } = this.#parts;
    try {
      await this.#decider.close();
      await this.#tenures.cleared;
      address.drop();
    } finally {
      // A socket that stays open would keep the port from whoever comes after this one.
      await datagrams.close();
      await address.close();
    }
  }

  /** Never rejects. */
  async #giveUp(): Promise<void> {
    const { log } = this.#parts;
    await this.give('stopped')
      .catch((error: unknown) => {
        log.warn({ err: error }, 'the floating address is given up; nobody can take it now');
        return this.#leave('stopped');
      })
      // Then it is the kernel that takes it away.
      .catch((error: unknown) => log.error({ err: error }, 'the floating address could not be given up'));
    // Its vote is needed until then.
    await this.#until(() => this.#other.presence?.role === 'holder', TAKEN_MS);
  }

  /** What the machine refuses ends neither the agent nor the node's part: the kernel takes the address away in time. */
  #safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#status.fail(error as Error);
    }
  }

  #tick(): void {
    if (this.#closed) return;
    const now = this.#parts.clock.monotonic();
    this.#strangers.look(now, (at) => this.#decider.isKept(at));
    this.#other.tellAhead(now);
    this.#decider.tick(now);
    this.#talk.tick(now);
    this.#places.tick(now);
    this.#status.tell(now);
  }

  #mayAsk(now: number): boolean {
    const strangers = this.#strangers;
    return !strangers.isSettling(now) && strangers.now(now) === undefined && !this.#other.isAhead;
  }

  /** It has the address, or has it no more. */
  #changed(): void {
    if (this.isHolder) this.#status.recover();
    this.#talk.present(this.isHolder ? 'holder' : this.#leaving ? 'leaving' : 'standby');
  }

  /** For as long as it takes, at most so long. */
  async #until(holds: () => boolean, ms: number): Promise<void> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + ms;
    while (!holds() && clock.monotonic() < end) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
