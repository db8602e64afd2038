/**
 * Each token opens one connection, also across restarts of the agent: what was used is on disk before anything is done
 * for it. Only tokens that verified come here, so a stranger cannot fill it.
 */
import { ReplayWindow } from '../../crypto/replay-window.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Seen } from '../seen-log.ts';

/** Tokens that live at once: each is good for two minutes at most, and each costs its bearer a connection. */
const CAPACITY = 16_384;
const ENGINE = 'engine';

/** What agent/seen-log.ts does. */
export interface TokenLog {
  open(nowSeconds: number): Promise<readonly Seen[]>;
  append(seen: Seen): Promise<void>;
  prune(kept: readonly Seen[]): Promise<void>;
  close(): Promise<void>;
}

export class SeenTokens {
  readonly #log: TokenLog;
  readonly #window = new ReplayWindow({ capacity: CAPACITY, perKey: CAPACITY });
  #kept: Seen[] = [];

  constructor(log: TokenLog) {
    this.#log = log;
  }

  /** `nowMs`: milliseconds since 1970. */
  async open(nowMs: number): Promise<void> {
    this.#kept = [...(await this.#log.open(nowMs / 1_000))];
    for (const { nonce, until } of this.#kept) this.#window.admit(ENGINE, nonce, until * 1_000, nowMs);
  }

  /** Errors: REPLAY_DETECTED; RATE_LIMITED where there is no room; STORE_FAILED where it cannot be remembered. */
  async use(
    { nonce, exp }: { readonly nonce: string; readonly exp: number },
    /** What it is about. */
    id: string,
    nowMs: number,
  ): Promise<void> {
    const admission = this.#window.admit(ENGINE, nonce, exp * 1_000, nowMs);
    if (admission === 'replayed') throw new BorealisError('REPLAY_DETECTED', { detail: 'It is the token.' });
    if (admission === 'full') throw new BorealisError('RATE_LIMITED');
    const seen = { corrId: id, nonce, until: exp };
    try {
      await this.#log.append(seen);
      this.#kept.push(seen);
      if (this.#kept.length % 1_000 === 0) await this.#forgetOld(nowMs / 1_000);
    } catch (cause) {
      throw new BorealisError('STORE_FAILED', { detail: 'The token could not be remembered.', cause });
    }
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #forgetOld(nowSeconds: number): Promise<void> {
    this.#kept = this.#kept.filter(({ until }) => until > nowSeconds);
    await this.#log.prune(this.#kept);
  }
}
