/**
 * Refresh tokens, rotated at each use (RFC 9700 §4.14.2). 12 bytes name the family, 20 are random, so that a token of
 * any age shows its family even though only the newest two rows of it are kept: ten thousand devices that refresh each
 * 15 minutes would otherwise leave a million rows a day.
 */
import { randomBytes } from 'node:crypto';
import { hashRefreshToken } from '../../crypto/token.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import type { Transaction } from '../../store/store.ts';
import { restoredAt } from './restored.ts';

export const REFRESH_TOKEN_MS = 30 * 86_400_000;
/**
 * An answer may be lost after the exchange is on disk: the link goes down, or the machine. The token just exchanged is
 * therefore taken once more, from the same key, while its successor was never used; that successor then ends. A day,
 * because a minute would lock out some agent in every outage. A thief gains no time by it: whichever of two holders
 * comes second with a used or ended token is found out, and each exchange needs the key as well (RFC 9700 §2.2.2).
 */
export const LOST_ANSWER_MS = 86_400_000;

const FAMILY_BYTES = 12;
const RANDOM_BYTES = 20;
/** 12 bytes are 16 characters of base64url exactly. */
const FAMILY_LENGTH = 16;

export const familyOf = (token: string): string => token.slice(0, FAMILY_LENGTH);

export interface Bearer {
  readonly guid: string;
  readonly context: AgentContext;
}

export interface IssuedRefreshToken {
  readonly token: string;
  readonly hash: string;
  readonly expiresAt: number;
}

/** Starts a family, or goes on with one. */
export const issueRefreshToken = async (
  tx: Transaction,
  { guid, context }: Bearer,
  now: number,
  family: string = randomBytes(FAMILY_BYTES).toString('base64url'),
): Promise<IssuedRefreshToken> => {
  const token = family + randomBytes(RANDOM_BYTES).toString('base64url');
  const hash = hashRefreshToken(token);
  const expiresAt = now + REFRESH_TOKEN_MS;
  await tx.db
    .insertInto('refresh_token')
    .values({ token_hash: hash, family, guid, context, issued_at: now, expires_at: expiresAt })
    .execute();
  return { token, hash, expiresAt };
};

export type Exchange =
  | { readonly kind: 'exchanged'; readonly next: IssuedRefreshToken }
  | { readonly kind: 'unknown' | 'expired' | 'of_another' }
  /** `family` is named where it was still in force: it is to be revoked now. */
  | { readonly kind: 'reused'; readonly family: string | null };

/** Takes a token in exchange for its successor. Changes nothing unless the answer is `exchanged`. */
export const exchangeRefreshToken = async (
  tx: Transaction,
  bearer: Bearer,
  token: string,
  now: number,
): Promise<Exchange> => {
  const hash = hashRefreshToken(token);
  const rows = await tx.db
    .selectFrom('refresh_token')
    .selectAll()
    .where('family', '=', familyOf(token))
    .execute();
  if (rows.length === 0) return { kind: 'unknown' };
  if (rows.some((row) => row.guid !== bearer.guid || row.context !== bearer.context))
    return { kind: 'of_another' };
  const revoked = rows.every((row) => row.revoked_at !== null);
  const presented = rows.find((row) => row.token_hash === hash) ?? (await lostToRestore(tx, rows, hash));
  // A token of this family that is not among the newest two was used up long ago.
  if (revoked || !presented) return { kind: 'reused', family: revoked ? null : familyOf(token) };
  if (presented.used_at !== null) {
    const successor = rows.find((row) => row.token_hash === presented.successor_hash);
    const elapsed = now - presented.used_at;
    const answerLost = successor?.used_at === null && elapsed >= 0 && elapsed <= LOST_ANSWER_MS;
    if (!answerLost) return { kind: 'reused', family: presented.family };
  }
  if (presented.expires_at <= now) return { kind: 'expired' };
  const next = await issueRefreshToken(tx, bearer, now, presented.family);
  await tx.db
    .updateTable('refresh_token')
    .set({ used_at: presented.used_at ?? now, successor_hash: next.hash })
    .where('token_hash', '=', hash)
    .execute();
  const done = rows.map((row) => row.token_hash).filter((other) => other !== hash);
  if (done.length > 0) await tx.db.deleteFrom('refresh_token').where('token_hash', 'in', done).execute();
  return { kind: 'exchanged', next };
};

type Row = Awaited<ReturnType<typeof rowOf>>;
const rowOf = (tx: Transaction) => tx.db.selectFrom('refresh_token').selectAll().executeTakeFirstOrThrow();

/**
 * A token that may have been issued after the backup that this store comes from: one for each family, the first that is
 * shown with the agent's key. Whoever comes second is found out as ever.
 */
const lostToRestore = async (
  tx: Transaction,
  rows: readonly Row[],
  hash: string,
): Promise<Row | undefined> => {
  const at = await restoredAt(tx);
  const newest = rows.toSorted((a, b) => b.issued_at - a.issued_at)[0];
  if (at === null || !newest || newest.issued_at >= at || newest.revoked_at !== null) return undefined;
  const issued = { ...newest, token_hash: hash, used_at: null, successor_hash: null };
  await tx.db.insertInto('refresh_token').values(issued).execute();
  return issued;
};

export const revokeFamily = async (tx: Transaction, family: string, now: number): Promise<void> => {
  await tx.db
    .updateTable('refresh_token')
    .set({ revoked_at: now })
    .where('family', '=', family)
    .where('revoked_at', 'is', null)
    .execute();
};

/** Ends every family of a device, or of one of its contexts: they are unknown from then on. */
export const forgetRefreshTokens = async (
  tx: Transaction,
  guid: string,
  context?: AgentContext,
): Promise<void> => {
  let query = tx.db.deleteFrom('refresh_token').where('guid', '=', guid);
  if (context) query = query.where('context', '=', context);
  await query.execute();
};
