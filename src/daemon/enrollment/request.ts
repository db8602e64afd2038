/**
 * POST /agent/v1/enroll/request. A use of the code is taken with the request, not with the approval, so that a code for
 * three machines never fills the queue with more than three. The same key asking again with the same code gets the
 * same request, with a new secret, and takes no further use: an agent may lose the answer. Whoever else knew the code
 * and that public key could so make the agent ask once more, and nothing worse: only the key itself completes.
 */
import { hash, randomBytes } from 'node:crypto';
import { decodeBase64url } from '../../crypto/base64url.ts';
import { acceptablePublicKey } from '../../crypto/ed25519-encoding.ts';
import { keyFingerprint } from '../../crypto/keys.ts';
import type { EnrolRequest } from '../../protocol/enrolment.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Transaction } from '../../store/store.ts';
import { approveRequest, HOUR_MS } from './approve.ts';
import { type CodeRow, findCode, takeUse } from './codes.ts';
import type { EnrollmentDependencies } from './dependencies.ts';
import { type ApprovalRow, standingOf } from './standing.ts';

/** How often a waiting agent asks: an approval shows within a second. */
export const POLL_MS = 1_000;

export interface Requested {
  request_id: string;
  request_secret: string;
  key_fingerprint: string;
  expires_at: string;
  poll_after_ms: number;
}

/** Errors: CODE_INVALID, CODE_EXPIRED, CODE_USED_UP, CODE_REVOKED, REPLAY_DETECTED, INVALID_INPUT. */
export const requestEnrolment = async (
  deps: EnrollmentDependencies,
  body: EnrolRequest,
  address: string,
): Promise<Requested> => {
  const publicKey = decodeBase64url(body.public_key, 32);
  if (!acceptablePublicKey(publicKey))
    throw new BorealisError('INVALID_INPUT', { detail: 'public_key: it is no sound Ed25519 key.' });
  const secret = randomBytes(32).toString('base64url');
  // Guesses end here, without a turn in the queue of those who write.
  await findCode(deps.store.read, body.code);
  const request = await deps.store.write(async (tx) => {
    const code = await findCode(tx.db, body.code);
    await demandFreshNonce(tx, body.nonce);
    return (await asked(tx, deps, code, body, secret)) ?? ask(tx, deps, code, body, secret, address);
  });
  return {
    request_id: request.id,
    request_secret: secret,
    key_fingerprint: keyFingerprint(publicKey),
    expires_at: new Date(request.expires_at).toISOString(),
    poll_after_ms: POLL_MS,
  };
};

export const secretHash = (secret: string): string => hash('sha256', secret, 'base64url');

const demandFreshNonce = async (tx: Transaction, nonce: string): Promise<void> => {
  const seen = await tx.db
    .selectFrom('approval')
    .select('id')
    .where('request_nonce', '=', nonce)
    .executeTakeFirst();
  if (seen) throw new BorealisError('REPLAY_DETECTED', { detail: 'An enrolment request came twice.' });
};

/** The request that this key made with this code before, where it can still be completed; with the new secret. */
const asked = async (
  tx: Transaction,
  { clock }: EnrollmentDependencies,
  code: CodeRow,
  body: EnrolRequest,
  secret: string,
): Promise<ApprovalRow | undefined> => {
  if (code.revoked_at !== null) return undefined;
  const row = await tx.db
    .selectFrom('approval')
    .selectAll()
    .where('public_key', '=', body.public_key)
    .where('code_id', '=', code.id)
    .where('context', '=', body.context)
    .where('fingerprint', '=', body.fingerprint)
    .where('state', 'in', ['waiting', 'approved', 'completed'])
    .where('expires_at', '>', clock.now())
    .orderBy('requested_at', 'desc')
    .executeTakeFirst();
  if (!row) return undefined;
  // What the operator sees stays as it was first said; only the secret and the nonce are new.
  const change = { secret_hash: secretHash(secret), request_nonce: body.nonce };
  await tx.db.updateTable('approval').set(change).where('id', '=', row.id).execute();
  return { ...row, ...change };
};

const ask = async (
  tx: Transaction,
  deps: EnrollmentDependencies,
  code: CodeRow,
  body: EnrolRequest,
  secret: string,
  address: string,
): Promise<ApprovalRow> => {
  const { clock, events, audit, config } = deps;
  const now = clock.now();
  await takeUse(tx, code, now);
  const { code: _code, nonce, ...machine } = body;
  const row: ApprovalRow = {
    ...machine,
    id: randomBytes(8).toString('hex'),
    secret_hash: secretHash(secret),
    code_id: code.id,
    address,
    request_nonce: nonce,
    state: 'waiting',
    requested_at: now,
    expires_at: now + config.current.enrol_request_hours * HOUR_MS,
    decided_at: null,
    decided_by: null,
    reason: null,
    resolution: null,
    guid: null,
    name: null,
  };
  await tx.db.insertInto('approval').values(row).execute();
  const told = { id: row.id, hostname: row.hostname, context: row.context, address, code: code.id };
  await audit.record(tx, { actor: 'engine', action: 'approval.request', target: row.id, detail: told });
  await events.record(tx, {
    type: 'approval.requested',
    message: `${row.hostname} asks to be enrolled`,
    data: told,
  });
  if (code.auto_approve !== 1 || !(await mayApproveItself(tx, code, row))) return row;
  const approved = await approveRequest(tx, deps, row, {}, `code:${code.id}`);
  await audit.record(tx, {
    actor: 'engine',
    action: 'approval.approve',
    target: row.id,
    detail: { code: code.id, guid: approved.guid, name: approved.name },
  });
  return approved;
};

/**
 * Not where it clashes, not where it would join an enrolled device, and not for a machine that was revoked after the
 * code was made: an old link must not undo a revocation.
 */
const mayApproveItself = async (tx: Transaction, code: CodeRow, row: ApprovalRow): Promise<boolean> => {
  const { clash, joins } = await standingOf(tx.db, row);
  if (clash || joins) return false;
  const revoked = await tx.db
    .selectFrom('device')
    .select('guid')
    .where('fingerprint', '=', row.fingerprint)
    .where('revoked_at', '>=', code.created_at)
    .executeTakeFirst();
  return revoked === undefined;
};
