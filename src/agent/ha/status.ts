/** How a node's part in a pair is, for the engine: told when it is another than before, and now and then all the same. */
import type { Datagrams, FloatingAddress } from '../../ha/platform.ts';
import type { HostedHaState } from '../../protocol/bastion.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { ClientPlaces } from './client-places.ts';
import type { OtherNode } from './other-node.ts';
import type { Strangers } from './strangers.ts';
import type { Tenures } from './tenures.ts';

/** How many clients' places are known is told at most so often. */
const COUNT_MS = 1_000;
/** What was told is told again, whether it is new or not. */
const BEAT_MS = 30_000;
/** For so long it is told that a node could not have the address; then it is worth a try again. */
const FAILED_MS = 60_000;

export interface StatusParts {
  readonly address: Pick<FloatingAddress, 'ownAddress'>;
  readonly datagrams: Pick<Datagrams, 'port'>;
  readonly tenures: Pick<Tenures, 'isHolder'>;
  readonly other: OtherNode;
  readonly strangers: Strangers;
  readonly places: Pick<ClientPlaces, 'size'>;
  readonly told: () => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: AgentLog;
}

export class Status {
  readonly #parts: StatusParts;
  #failed: { readonly error: Error; readonly at: number } | undefined;
  #said = '';
  #counted = { endpoints: 0, at: Number.NEGATIVE_INFINITY };

  constructor(parts: StatusParts) {
    this.#parts = parts;
  }

  get state(): HostedHaState {
    const { address, datagrams, other, strangers, places, clock } = this.#parts;
    const now = clock.monotonic();
    const host = address.ownAddress.includes(':') ? `[${address.ownAddress}]` : address.ownAddress;
    return {
      role: this.#role(now),
      endpoint: `${host}:${datagrams.port}`,
      other_heard: other.isHeard(now),
      endpoints: places.size,
      clock_behind: other.clockBehind(now),
      stranger: (!strangers.isSettling(now) && strangers.now(now)) || null,
    };
  }

  #role(now: number): HostedHaState['role'] {
    const { tenures, other, strangers } = this.#parts;
    if (tenures.isHolder) return 'holder';
    if (strangers.now(now) && !strangers.isSettling(now)) return 'conflict';
    if (this.failure(now)) return 'failed';
    return other.isAhead ? 'behind' : 'standby';
  }

  /** It could not have the address, or do what comes with it. */
  fail(error: Error): void {
    const { log, clock } = this.#parts;
    const now = clock.monotonic();
    if (this.failure(now)?.message !== error.message)
      log.error({ err: error }, 'this node cannot have the floating address');
    this.#failed = { error, at: now };
  }

  /** It has the address. */
  recover(): void {
    this.#failed = undefined;
  }

  /** Of the last minute. */
  failure(now: number): Error | null {
    return this.#failed && now - this.#failed.at < FAILED_MS ? this.#failed.error : null;
  }

  /** To be called at each tick. */
  tell(now: number): void {
    const { role, endpoint, other_heard, stranger, endpoints, clock_behind } = this.state;
    const failure = this.failure(now)?.message;
    if (endpoints !== this.#counted.endpoints && now - this.#counted.at >= COUNT_MS)
      this.#counted = { endpoints, at: now };
    const counted = this.#counted.endpoints;
    const beat = Math.floor(now / BEAT_MS);
    const said = JSON.stringify([
      ...[role, endpoint, other_heard, stranger, failure, counted, beat],
      clock_behind,
    ]);
    if (said === this.#said) return;
    this.#said = said;
    this.#parts.told();
  }
}
