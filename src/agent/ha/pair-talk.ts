/** The words between the two nodes: what this one says of itself, and to whom what the other one says goes. */
import type { VoteMessage } from '../../ha/node.ts';
import type { SwitchReason } from '../../protocol/bastion.ts';
import type { ClientPlaces } from './client-places.ts';
import type { Decider } from './decider.ts';
import type { DutyParts } from './duty-parts.ts';
import { type PairMessage, type Presence, pairMessage } from './messages.ts';
import type { OtherNode } from './other-node.ts';
import type { Status } from './status.ts';
import type { Strangers } from './strangers.ts';
import type { Tenures } from './tenures.ts';

/** At least so often it is said that this node is there, however long the lease: a process that has just begun waits for it. */
const PRESENT_MS = 500;

export interface PairTalkParts extends Pick<DutyParts, 'ha' | 'revision' | 'datagrams' | 'clock'> {
  readonly address: Pick<DutyParts['address'], 'ownHardwareAddress'>;
  /** Of this process. */
  readonly name: string;
  /** Why the address is just being given up. */
  readonly leaving: () => SwitchReason | null;
  readonly decider: () => Pick<Decider, 'rests' | 'voted' | 'mayBeTwo'>;
  readonly other: OtherNode;
  readonly tenures: Tenures;
  readonly places: ClientPlaces;
  readonly strangers: Strangers;
  readonly status: Status;
}

export class PairTalk {
  readonly #parts: PairTalkParts;
  #toldAt = Number.NEGATIVE_INFINITY;
  #toldRevision = 0;

  constructor(parts: PairTalkParts) {
    this.#parts = parts;
  }

  vote(message: VoteMessage): void {
    const { name, datagrams } = this.#parts;
    datagrams.send({ t: 'vote', from: name, message } satisfies PairMessage);
  }

  /** To be called at each tick. */
  tick(now: number): void {
    const { ha, revision, tenures } = this.#parts;
    // Who asks for a switch as soon as a change is in force is not to hear that the other one may not have it yet.
    const isNews = revision() !== this.#toldRevision;
    if (isNews || now - this.#toldAt >= Math.min(ha.lease.renew, PRESENT_MS))
      this.present(tenures.isHolder ? 'holder' : 'standby');
  }

  present(role: Presence['role']): void {
    const { name, clock, address, datagrams, tenures, strangers, other, status, decider } = this.#parts;
    const [now, revision] = [clock.monotonic(), this.#parts.revision()];
    this.#toldAt = now;
    this.#toldRevision = revision;
    datagrams.send({
      t: 'here',
      from: name,
      revision,
      role,
      tenure: tenures.count,
      reason: this.#parts.leaving(),
      ready:
        !decider().rests(now) &&
        strangers.now(now) === undefined &&
        !other.isAhead &&
        status.failure(now) === null,
      hardware: address.ownHardwareAddress,
      now: clock.now(),
    } satisfies PairMessage);
  }

  heard(data: unknown): void {
    const parsed = pairMessage.safeParse(data);
    if (!parsed.success) return;
    const message = parsed.data;
    const { ha, places } = this.#parts;
    if (message.t === 'have') {
      places.acknowledged(message.of, message.upto);
      return;
    }
    if (!message.from.startsWith(`${ha.other}/`)) return;
    if (message.t === 'vote') this.#voted(message.from, message.message);
    else if (message.t === 'here') this.#here(message);
    else places.heard(message);
  }

  #voted(from: string, message: VoteMessage): void {
    const { other, tenures, decider, clock } = this.#parts;
    const isGiven = message.kind === 'release' && other.presence?.role === 'leaving';
    if (isGiven) tenures.otherHas();
    decider().voted('other', from, message, clock.monotonic());
  }

  #here(presence: Presence): void {
    const { other, places, tenures, decider } = this.#parts;
    if (other.presence?.from !== presence.from) places.startOver();
    other.heard(presence);
    tenures.heard(presence, decider().mayBeTwo === true);
  }
}
