/** Looks for first handshakes, as long as somebody waits for packets. One look serves all. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Clock } from '../../sys/clock.ts';
import type { OwnEnd } from './engine-end.ts';
import type { Session } from './session.ts';

/** Milliseconds between two looks, and how many times what one takes: with a thousand peers that is long. */
const LOOK_MS = 10;
const LOOKS_APART = 3;

export interface HandshakesParts {
  readonly end: Pick<OwnEnd, 'peers'>;
  readonly sessions: ReadonlyMap<string, Session>;
  readonly passes: (session: Session) => void;
  /** For how long after its `open` a session is waited for; the next tick is soon enough for others. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Handshakes {
  readonly #parts: HandshakesParts;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: HandshakesParts) {
    this.#parts = parts;
  }

  look(): void {
    this.#looking ??= this.#untilNobodyWaits().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Resolves when no look is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#looking;
  }

  async #untilNobodyWaits(): Promise<void> {
    const { sessions, clock, patienceMs } = this.#parts;
    for (;;) {
      const waiting = [...sessions.values()].filter(({ passing, publicKey }) => !passing && publicKey !== '');
      const begun = clock.monotonic();
      await this.#once(waiting);
      const took = clock.monotonic() - begun;
      const now = clock.now();
      const soon = waiting.some(
        ({ passing, closed, openedAt }) => !passing && !closed && now - openedAt < patienceMs,
      );
      if (!soon || this.#stopped) return;
      await sleep(Math.max(LOOK_MS, took * LOOKS_APART));
    }
  }

  async #once(waiting: readonly Session[]): Promise<void> {
    const { end, passes, log } = this.#parts;
    try {
      const peers = await end.peers();
      for (const session of waiting) if (peers?.get(session.publicKey)?.lastHandshake) passes(session);
    } catch (error) {
      log.warn({ err: error }, 'the tunnels could not be looked at');
    }
  }
}
