/** Access and refresh tokens of agents: the first pair at enrolment, each further one for a refresh token. */
import { issueAccessToken } from '../../crypto/token.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { CLOSE } from '../../protocol/frame.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Channels } from '../channel/channels.ts';
import type { SigningKey } from '../keys/key-ring.ts';
import type { KnownAgent } from './authenticator.ts';
import {
  exchangeRefreshToken,
  type IssuedRefreshToken,
  issueRefreshToken,
  revokeFamily,
} from './refresh-token.ts';
import type { SecurityWatch } from './security-watch.ts';

/** protocol/enrolment.ts `tokens`. */
export interface Tokens {
  access_token: string;
  expires_in: number;
  refresh_token: string;
  refresh_expires_at: string;
}

/** For whom a pair is made. */
export interface TokenHolder {
  readonly guid: string;
  readonly context: AgentContext;
  readonly tokenVersion: number;
  readonly jkt: string;
}

export interface TokenParts {
  readonly store: Store;
  readonly signingKey: SigningKey;
  readonly clock: Clock;
  readonly channels: Channels;
  readonly watch: SecurityWatch;
}

export class TokenService {
  readonly #parts: TokenParts;

  constructor(parts: TokenParts) {
    this.#parts = parts;
  }

  /** The first pair of a new family. */
  async issue(tx: Transaction, holder: TokenHolder): Promise<Tokens> {
    return this.#pair(holder, await issueRefreshToken(tx, holder, this.#parts.clock.now()));
  }

  /**
   * Takes a refresh token of an agent that has proved its key, for the next pair.
   * Errors: TOKEN_INVALID, EXPIRED_TOKEN, TOKEN_REUSED, DEVICE_REVOKED, DEVICE_QUARANTINED.
   */
  async refresh(agent: KnownAgent, token: string): Promise<Tokens> {
    const { store, clock, watch } = this.#parts;
    const outcome = await store.write(async (tx): Promise<Tokens | BorealisError> => {
      const now = clock.now();
      const device = await tx.db
        .selectFrom('device')
        .select(['state', 'token_version'])
        .where('guid', '=', agent.guid)
        .executeTakeFirst();
      // It was looked at before; it may have been decided otherwise since.
      if (!device || device.state === 'revoked') return new BorealisError('DEVICE_REVOKED');
      if (device.state === 'quarantined') return new BorealisError('DEVICE_QUARANTINED');
      const exchange = await exchangeRefreshToken(tx, agent, token, now);
      switch (exchange.kind) {
        case 'exchanged':
          return this.#pair({ ...agent, tokenVersion: device.token_version }, exchange.next);
        case 'expired':
          return new BorealisError('EXPIRED_TOKEN', { next: 'Enrol the agent again.' });
        case 'unknown':
          return new BorealisError('TOKEN_INVALID', { next: 'Enrol the agent again.' });
        case 'of_another':
          return new BorealisError('TOKEN_INVALID', { detail: 'It was issued to another agent.' });
        case 'reused':
          if (exchange.family) await this.#endFamily(tx, agent, exchange.family, now);
          return new BorealisError('TOKEN_REUSED');
      }
    });
    if (!(outcome instanceof BorealisError)) return outcome;
    watch.count(outcome.code);
    throw outcome;
  }

  /** Somebody else may hold a copy of its keys: what was issued so far ends now, for both of them. */
  async #endFamily(
    tx: Transaction,
    { guid, deviceName: name }: KnownAgent,
    family: string,
    now: number,
  ): Promise<void> {
    await revokeFamily(tx, family, now);
    await tx.db
      .updateTable('device')
      .set((eb) => ({ token_version: eb('token_version', '+', 1) }))
      .where('guid', '=', guid)
      .execute();
    await this.#parts.watch.alertIn(tx, {
      code: 'TOKEN_REUSED',
      subject: guid,
      message: `${name} used a refresh token twice: its tokens are revoked, and it must enrol again. Its state may have been copied.`,
      device: { guid, name },
    });
    tx.afterCommit(() => this.#parts.channels.disconnect(guid, CLOSE.unauthorised, 'refresh token reused'));
  }

  #pair({ guid, context, tokenVersion, jkt }: TokenHolder, refresh: IssuedRefreshToken): Tokens {
    const { signingKey, clock } = this.#parts;
    const now = clock.now();
    const { token, expiresAt } = issueAccessToken(
      { guid, context, tokenVersion, jkt },
      { seed: signingKey.seed, now: new Date(now) },
    );
    return {
      access_token: token,
      expires_in: Math.max(0, Math.floor((expiresAt.getTime() - now) / 1000)),
      refresh_token: refresh.token,
      refresh_expires_at: new Date(refresh.expiresAt).toISOString(),
    };
  }
}
