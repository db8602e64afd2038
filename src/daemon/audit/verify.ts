/** Walks the whole audit chain, a page at a time so that the engine goes on meanwhile, and names the first break. */
import type { OutputOf } from '../../protocol/operations.ts';
import type { AuditTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';
import { AUDIT_HEAD, auditHash, GENESIS, headValue, type SealHead } from './trail.ts';

type Verdict = OutputOf<'audit.verify'>;
type Break = NonNullable<Verdict['break']>;

const PAGE = 2_000;
/** How far from its place a record is looked for before it counts as changed rather than moved. */
const MOVED_WITHIN = 5_000;

/** `sealHead` as the trail was given it. Stops with the signal's reason when it aborts. */
export const verifyAudit = async (
  db: Database,
  sealHead: SealHead,
  signal: AbortSignal,
): Promise<Verdict> => {
  let seq = 0;
  let hash = GENESIS;
  const broken = (at: number, kind: Break['kind'], message: string): Verdict => ({
    intact: false,
    records: seq,
    head: seq === 0 ? null : hash,
    break: { seq: at, kind, message },
  });
  for (;;) {
    const page = await db
      .selectFrom('audit')
      .selectAll()
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(PAGE)
      .execute();
    for (const record of page) {
      const found = breakAt(record, seq, hash);
      if (found) return broken(found.seq, found.kind, found.message);
      seq = record.seq;
      hash = record.hash;
    }
    if (page.length === PAGE) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
      continue;
    }
    // Read after the records: record and head are written together, so the head is never behind them.
    const head = await readHead(db);
    if (head.value === null) {
      if (seq === 0) return { intact: true, records: 0, head: null, break: null };
      return broken(seq, 'truncated', 'The note of the newest record is missing.');
    }
    if (head.seq > seq) {
      if (await exists(db, seq)) continue;
      return broken(seq + 1, 'truncated', `The newest records, up to ${head.seq}, are missing.`);
    }
    if (head.value !== headValue(seq, hash, sealHead)) {
      return broken(seq, 'truncated', `Record ${seq} is not the newest one that the engine wrote.`);
    }
    return { intact: true, records: seq, head: hash, break: null };
  }
};

const breakAt = (record: AuditTable, lastSeq: number, lastHash: string): Break | null => {
  const { seq } = record;
  const { hash, ...entry } = record;
  const own = auditHash(entry) === hash;
  if (!own) {
    const original = movedFrom(record);
    if (original === null) return { seq, kind: 'changed', message: `Record ${seq} was changed.` };
    return { seq, kind: 'reordered', message: `Record ${seq} was written as record ${original}.` };
  }
  if (seq !== lastSeq + 1) {
    const missing =
      seq === lastSeq + 2 ? `Record ${lastSeq + 1} is` : `Records ${lastSeq + 1} to ${seq - 1} are`;
    return { seq: lastSeq + 1, kind: 'removed', message: `${missing} missing.` };
  }
  if (record.previous === lastHash) return null;
  const at = Math.max(1, lastSeq);
  return { seq: at, kind: 'changed', message: `Record ${at} is not the one that record ${seq} followed.` };
};

/** The number under which the record's own hash is right. */
const movedFrom = ({ hash, ...entry }: AuditTable): number | null => {
  for (let distance = 1; distance <= MOVED_WITHIN; distance++) {
    for (const seq of [entry.seq - distance, entry.seq + distance]) {
      if (auditHash({ ...entry, seq }) === hash) return seq;
    }
  }
  return null;
};

const readHead = async (db: Database): Promise<{ seq: number; value: string | null }> => {
  const row = await db
    .selectFrom('engine_fact')
    .select('value')
    .where('name', '=', AUDIT_HEAD)
    .executeTakeFirst();
  return { seq: Number(row?.value.split(' ', 1)[0] ?? 0), value: row?.value ?? null };
};

const exists = async (db: Database, after: number): Promise<boolean> =>
  (await db.selectFrom('audit').select('seq').where('seq', '>', after).limit(1).executeTakeFirst()) !==
  undefined;
