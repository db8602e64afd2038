/** Enrolment codes: their states, and what taking a use of one means. */
import { hashCode } from '../../crypto/secret-code.ts';
import type { Code } from '../../protocol/code.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { prefixRange } from '../../store/prefix.ts';
import type { EnrolmentCodeTable } from '../../store/schema.ts';
import type { Database, Transaction } from '../../store/store.ts';

export type CodeRow = EnrolmentCodeTable;

export const codeState = (row: CodeRow, now: number): Code['state'] => {
  if (row.revoked_at !== null) return 'revoked';
  if (row.expires_at <= now) return 'expired';
  return row.uses_left > 0 ? 'active' : 'used_up';
};

export const asCode = (row: CodeRow, now: number): Code => ({
  id: row.id,
  expires_at: new Date(row.expires_at).toISOString(),
  uses_left: row.uses_left,
  uses: row.uses,
  site: row.site,
  tags: JSON.parse(row.tags_json) as Code['tags'],
  auto_approve: row.auto_approve === 1,
  created_at: new Date(row.created_at).toISOString(),
  created_by: row.created_by,
  state: codeState(row, now),
});

/** By id or a unique prefix of it. Errors: CODE_NOT_FOUND. */
export const resolveCode = async (db: Database, ref: string): Promise<CodeRow> => {
  const { first, last } = prefixRange(ref);
  const rows = await db
    .selectFrom('enrolment_code')
    .selectAll()
    .where('id', '>=', first)
    .where('id', '<=', last)
    .orderBy('id')
    .limit(2)
    .execute();
  const [one, another] = rows;
  if (one && (!another || one.id === ref)) return one;
  const detail = another ? `“${ref}” begins more than one id.` : `“${ref}” is none.`;
  throw new BorealisError('CODE_NOT_FOUND', { detail });
};

/** By the code itself, as an agent sends it. Errors: CODE_INVALID, also for what cannot be a code at all. */
export const findCode = async (db: Database, code: string): Promise<CodeRow> => {
  const row = await db
    .selectFrom('enrolment_code')
    .selectAll()
    .where('code_hash', '=', hashCode(code))
    .executeTakeFirst();
  if (!row) throw new BorealisError('CODE_INVALID');
  return row;
};

const REFUSALS = { expired: 'CODE_EXPIRED', used_up: 'CODE_USED_UP', revoked: 'CODE_REVOKED' } as const;

/** Takes one use. Errors: CODE_EXPIRED, CODE_USED_UP, CODE_REVOKED. */
export const takeUse = async (tx: Transaction, row: CodeRow, now: number): Promise<void> => {
  const state = codeState(row, now);
  if (state !== 'active') throw new BorealisError(REFUSALS[state]);
  await tx.db
    .updateTable('enrolment_code')
    .set((eb) => ({ uses_left: eb('uses_left', '-', 1) }))
    .where('id', '=', row.id)
    .execute();
};
