/** The other node of a pair, as it told last how it is. */
import type { HostedHa } from '../../protocol/bastion.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AgentLog } from '../log.ts';
import type { Presence } from './messages.ts';

/** For a word that is on its way still. */
export const LATE_MS = 1_000;

interface Said {
  readonly presence: Presence;
  /** Milliseconds, less what the word was on its way. */
  readonly clockAhead: number;
  readonly at: number;
}

export interface OtherNodeParts {
  readonly ha: HostedHa;
  /** Of the service's state that is in force on this node. */
  readonly revision: () => number;
  readonly clock: Clock;
  readonly log: AgentLog;
}

export class OtherNode {
  readonly #parts: OtherNodeParts;
  #said: Said | undefined;
  #ahead: { readonly since: number; readonly isTold: boolean } | undefined;

  constructor(parts: OtherNodeParts) {
    this.#parts = parts;
  }

  heard(presence: Presence): void {
    const { clock } = this.#parts;
    this.#said = { presence, at: clock.monotonic(), clockAhead: presence.now - clock.now() };
  }

  forget(): void {
    this.#said = undefined;
  }

  /** What it said last, however long ago. */
  get presence(): Presence | undefined {
    return this.#said?.presence;
  }

  isHeard(now: number): boolean {
    return this.#said !== undefined && now - this.#said.at < this.#parts.ha.lease.promise;
  }

  /** Seconds by which this node's clock is behind that one's. */
  clockBehind(now: number): number {
    return this.isHeard(now) ? Math.max(0, Math.round((this.#said?.clockAhead ?? 0) / 1_000)) : 0;
  }

  /** What it has and this node has not: a connection that was shut out there would come in here. */
  get isAhead(): boolean {
    return (this.presence?.revision ?? 0) > this.#parts.revision();
  }

  /** Not of what is on its way. To be called at each tick. */
  tellAhead(now: number): void {
    if (!this.isAhead) {
      this.#ahead = undefined;
      return;
    }
    const { since, isTold } = this.#ahead ?? { since: now, isTold: false };
    const tells = !isTold && now - since >= LATE_MS;
    this.#ahead = { since, isTold: isTold || tells };
    if (!tells) return;
    const { log, ha } = this.#parts;
    const msg =
      'the other node knows of changes that did not come here: the floating address is not taken until they do';
    log.warn({ address: ha.address }, msg);
  }

  /** Why it could not take the address; null: it can. */
  unready(now: number): string | null {
    const { presence } = this;
    if (!presence || !this.isHeard(now))
      return 'The other node is not heard by the one that has the address.';
    if (presence.revision < this.#parts.revision())
      return 'The other node does not have the newest connections yet.';
    return presence.ready ? null : 'The other node says that it cannot take the address.';
  }
}
