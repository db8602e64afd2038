/** What is due of open sessions as time passes: their leases renewed, their use stored, those that nobody uses ended. */
import type { Logger } from 'pino';
import type { Clock } from '../../sys/clock.ts';
import { LEASE_SECONDS } from './envelopes.ts';
import type { Handshakes } from './handshakes.ts';
import type { Ledger } from './ledger.ts';
import type { OpenSessions } from './open-sessions.ts';
import type { Session } from './session.ts';
import type { Upkeep } from './upkeep.ts';

const ROUND_MS = 1_000;
/** How often use is stored and told of. */
const USE_TOLD_MS = 60_000;
/** A third of the lease: two may be lost. */
const REOPEN_MS = (LEASE_SECONDS * 1000) / 3;

export interface RoundsParts {
  readonly clock: Clock;
  readonly idleMs: () => number;
  readonly open: OpenSessions;
  readonly ledger: Ledger;
  readonly handshakes: Pick<Handshakes, 'look'>;
  readonly upkeep: Pick<Upkeep, 'look'>;
  readonly log: Logger;
}

export class Rounds {
  readonly #parts: RoundsParts;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#round(), ROUND_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #round(): void {
    const { clock, open, upkeep } = this.#parts;
    const now = clock.now();
    upkeep.look();
    for (const session of open.all.values()) {
      if (session.toldAt !== 0) this.#visit(session, now);
    }
  }

  #visit(session: Session, now: number): void {
    const { idleMs, open, handshakes, log } = this.#parts;
    if (now - session.usedAt >= idleMs()) {
      open
        .end(session, 'idle')
        .catch((error: unknown) =>
          log.error({ err: error, device: session.name }, 'an idle tunnel could not be taken down'),
        );
      return;
    }
    if (now - session.openedAt >= REOPEN_MS) open.sendOpen(session);
    if (session.usedAt > session.storedAt && now - session.activityAt >= USE_TOLD_MS) this.#storeUse(session);
    if (!session.passing) handshakes.look();
  }

  #storeUse(session: Session): void {
    const { clock, ledger, log } = this.#parts;
    session.storedAt = session.usedAt;
    session.activityAt = clock.now();
    ledger
      .used(session)
      .catch((error: unknown) => log.error({ err: error }, 'the use of a tunnel was not stored'));
  }
}
