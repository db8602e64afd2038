/** Keeps tokens and certificate fresh: asks the engine, and has the answer on disk before using it. */
import { parseClientCertificate, renewalDue } from '../crypto/client-certificate.ts';
import { AGENT_PATHS, renewed, tokens as tokensAnswer } from '../protocol/enrolment.ts';
import { BorealisError } from '../protocol/errors.ts';
import type { Clock } from '../sys/clock.ts';
import type { Credentials, TokenPair } from './credentials.ts';
import { type JsonRequest, postJson } from './http.ts';
import { dialEngine, secured } from './tls.ts';

/** An access token is refreshed two to four minutes before its end, and never used in its last seconds. */
const REFRESH_MARGIN_MS = 240_000;
/** Of what is left of its life, where that is little. */
const REFRESH_MARGIN = 0.3;
const LAST_SECONDS_MS = 10_000;

export interface RenewalOptions {
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Whether the token can no longer open a channel, or was left in the middle of a rotation. */
export const tokenStale = (tokens: TokenPair, clock: Clock): boolean =>
  tokens.refreshing || tokens.accessExpiresAt - clock.now() < LAST_SECONDS_MS;

export const refreshDue = (tokens: TokenPair, clock: Clock): boolean =>
  tokens.accessExpiresAt - clock.now() <= REFRESH_MARGIN_MS;

/** Milliseconds until a refresh is due, at least 0; spread by `random` so that a fleet does not ask at once. */
export function refreshIn(tokens: TokenPair, clock: Clock, random: () => number): number {
  const left = tokens.accessExpiresAt - clock.now();
  const margin = Math.min(left * REFRESH_MARGIN, REFRESH_MARGIN_MS * (1 - random() / 2));
  return Math.max(0, left - margin);
}

export const certificateDue = (credentials: Credentials, clock: Clock): boolean =>
  renewalDue(credentials.certificate, new Date(clock.now()));

/** Rotates the refresh token. Errors: those of the engine (TOKEN_REUSED, DEVICE_REVOKED …) and of the connection. */
export async function refreshTokens(options: RenewalOptions): Promise<void> {
  const { credentials, clock } = options;
  if (!credentials.tokens.refreshing)
    await credentials.replaceTokens({ ...credentials.tokens, refreshing: true });
  const answer = await ask(options, {
    path: AGENT_PATHS.refresh,
    body: { refresh_token: credentials.tokens.refreshToken },
    headers: credentials.headers('POST', AGENT_PATHS.refresh, false),
    answer: tokensAnswer,
  });
  await credentials.replaceTokens(tokenPair(answer, clock));
}

/** Exchanges the certificate for one of the same key that lasts longer. */
export async function renewCertificate(options: RenewalOptions): Promise<void> {
  const { credentials } = options;
  const { certificate } = await ask(options, {
    path: AGENT_PATHS.renew,
    body: {},
    headers: credentials.headers('POST', AGENT_PATHS.renew, true),
    answer: renewed,
  });
  const { guid, context } = credentials.membership;
  const parsed = parseClientCertificate(certificate);
  if (
    parsed.guid !== guid ||
    parsed.context !== context ||
    !Buffer.from(parsed.publicKey).equals(credentials.publicKey)
  )
    throw new BorealisError('SCHEMA_MISMATCH', { detail: 'The new certificate is of another agent.' });
  await credentials.replaceCertificate(certificate);
}

export const tokenPair = (
  answer: {
    access_token: string;
    expires_in: number;
    refresh_token: string;
    refresh_expires_at: string;
  },
  clock: Clock,
): TokenPair => ({
  accessToken: answer.access_token,
  accessExpiresAt: clock.now() + answer.expires_in * 1_000,
  refreshToken: answer.refresh_token,
  refreshExpiresAt: Date.parse(answer.refresh_expires_at),
  refreshing: false,
});

async function ask<T>({ credentials, signal }: RenewalOptions, request: JsonRequest<T>): Promise<T> {
  const { membership, tlsContext, session } = credentials;
  const socket = dialEngine(membership.address, tlsContext, session);
  socket.on('session', (ticket) => {
    credentials.session = ticket;
  });
  return postJson(await secured(socket, signal), { ...request, signal });
}
