/** Reading and checking the audit trail. */
import type { AuditRecord } from '../../protocol/audit.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { AuditTable } from '../../store/schema.ts';
import type { Store } from '../../store/store.ts';
import type { Handlers } from '../capability.ts';
import type { SealHead } from './trail.ts';
import { verifyAudit } from './verify.ts';

export interface AuditDeps {
  readonly store: Store;
  readonly sealHead: SealHead;
}

export const auditOperations = ({ store, sealHead }: AuditDeps): Handlers<'audit.list' | 'audit.verify'> => ({
  'audit.list': async ({ cursor, limit, actor, action, target, since, before_seq }) => {
    const before = Math.min(before_seq ?? Number.MAX_SAFE_INTEGER, readCursor(cursor));
    let query = store.read
      .selectFrom('audit')
      .selectAll()
      .where('seq', '<', before)
      .orderBy('seq', 'desc')
      .limit(limit + 1);
    if (actor !== undefined) query = query.where('actor', '=', actor);
    if (action !== undefined) query = query.where('action', '=', action);
    if (target !== undefined) query = query.where('target', '=', target);
    if (since !== undefined) {
      const at = Date.parse(since);
      // Records are in order of number; the first of them bounds the walk.
      const first = await store.read
        .selectFrom('audit')
        .select((eb) => eb.fn.min('seq').as('seq'))
        .where('at', '>=', at)
        .executeTakeFirst();
      query = query.where('seq', '>=', first?.seq ?? Number.MAX_SAFE_INTEGER).where('at', '>=', at);
    }
    const rows = await query.execute();
    const items = rows.slice(0, limit).map(asRecord);
    return { items, next_cursor: rows.length > limit ? String(items.at(-1)!.seq) : null };
  },
  'audit.verify': (_input, call) => verifyAudit(store.read, sealHead, call.signal),
});

const readCursor = (cursor: string | undefined): number => {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const seq = Number(cursor);
  if (!Number.isSafeInteger(seq) || seq < 1) {
    throw new BorealisError('INVALID_INPUT', { detail: 'cursor: not one that this list gave.' });
  }
  return seq;
};

const asRecord = ({ at, detail_json, ...row }: AuditTable): AuditRecord => ({
  ...row,
  at: new Date(at).toISOString(),
  detail: JSON.parse(detail_json),
});
