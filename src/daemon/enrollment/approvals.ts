/** Requests as operators see them. */
import { keyFingerprint } from '../../crypto/keys.ts';
import type { Approval } from '../../protocol/approval.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { prefixRange } from '../../store/prefix.ts';
import type { Database } from '../../store/store.ts';
import { type ApprovalRow, type Standing, standingsOf } from './standing.ts';

/** The row, with what lies in other tables. */
export interface ApprovalInContext extends ApprovalRow {
  readonly site: string | null;
  /** Present name of the device that came of it. */
  readonly device_name: string | null;
}

export const approvalsInContext = (db: Database) =>
  db
    .selectFrom('approval')
    .innerJoin('enrolment_code', 'enrolment_code.id', 'approval.code_id')
    .leftJoin('device', 'device.guid', 'approval.guid')
    .selectAll('approval')
    .select(['enrolment_code.site', 'device.name as device_name']);

/** By id or a unique prefix of it. Errors: APPROVAL_NOT_FOUND. */
export const resolveApproval = async (db: Database, ref: string): Promise<ApprovalInContext> => {
  const { first, last } = prefixRange(ref);
  const rows = await approvalsInContext(db)
    .where('approval.id', '>=', first)
    .where('approval.id', '<=', last)
    .orderBy('approval.id')
    .limit(2)
    .execute();
  const [one, another] = rows;
  if (one && (!another || one.id === ref)) return one;
  const detail = another ? `“${ref}” begins more than one id.` : `“${ref}” is none.`;
  throw new BorealisError('APPROVAL_NOT_FOUND', { detail });
};

export const presentApprovals = async (
  db: Database,
  rows: readonly ApprovalInContext[],
  now: number,
): Promise<Approval[]> => {
  const waiting = rows.filter((row) => stateAt(row, now) === 'waiting');
  const standings = await standingsOf(db, waiting);
  return rows.map((row) => asApproval(row, standings.get(row.id), now));
};

const stateAt = (row: ApprovalRow, now: number): Approval['state'] =>
  (row.state === 'waiting' || row.state === 'approved') && row.expires_at <= now ? 'expired' : row.state;

const asApproval = (row: ApprovalInContext, standing: Standing | undefined, now: number): Approval => ({
  id: row.id,
  hostname: row.hostname,
  fingerprint: row.fingerprint,
  key_fingerprint: keyFingerprint(Buffer.from(row.public_key, 'base64url')),
  context: row.context,
  os: row.os,
  arch: row.arch,
  agent_version: row.agent_version,
  address: row.address,
  site: row.site,
  requested_at: new Date(row.requested_at).toISOString(),
  expires_at: new Date(row.expires_at).toISOString(),
  state: stateAt(row, now),
  decided_by: row.decided_by,
  decided_at: row.decided_at === null ? null : new Date(row.decided_at).toISOString(),
  conflict: standing?.clash ? { kind: standing.clash.kind, device: standing.clash.device.name } : null,
  device: row.device_name ?? row.name,
});
