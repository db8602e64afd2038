/**
 * The audit trail: each record holds the hash of the one before, so a changed, removed or reordered record breaks the
 * chain. The head is kept in engine_fact too: without it the newest records could be cut off unseen. It carries a
 * code made with a key that is not in the store, so whoever can only write to the store cannot make a new chain whole.
 */
import { createHash } from 'node:crypto';
import { Compiled, CompiledSelect } from '../../store/compiled.ts';
import type { AuditTable } from '../../store/schema.ts';
import type { Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';

export const GENESIS = '0'.repeat(64);
export const AUDIT_HEAD = 'audit_head';

export type AuditEntry = Omit<AuditTable, 'hash'>;

/** SHA-256, hex, over the record as a JSON array in a fixed order: no two records have the same form. */
export const auditHash = (entry: AuditEntry): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        entry.previous,
        entry.seq,
        entry.at,
        entry.actor,
        entry.action,
        entry.target,
        entry.result,
        entry.detail_json,
      ]),
    )
    .digest('hex');

/** Authenticates `SEQ HASH`, for ever in the same way. */
export type SealHead = (head: string) => string;
const unsealed: SealHead = () => '-';

/** What engine_fact holds under AUDIT_HEAD: `SEQ HASH CODE`. */
export const headValue = (seq: number, hash: string, seal: SealHead): string => {
  const head = `${seq} ${hash}`;
  return `${head} ${seal(head)}`;
};

export interface NewAuditRecord {
  /** A Unix user, `device:NAME` or `engine`. */
  readonly actor: string;
  /** The operation's name, or what the engine did by itself. */
  readonly action: string;
  readonly target?: string | null;
  /** `done`, or the code of the refusal. */
  readonly result?: string;
  /** No secrets: whoever calls leaves them out. */
  readonly detail?: Record<string, unknown>;
}

const newest = new CompiledSelect<Pick<AuditTable, 'seq' | 'hash'>, []>((db) =>
  db.selectFrom('audit').select(['seq', 'hash']).orderBy('seq', 'desc').limit(1),
);
type Values = [
  seq: number,
  at: number,
  actor: string,
  action: string,
  target: string | null,
  result: string,
  detail: string,
  previous: string,
  hash: string,
];
const NOTHING = {
  seq: 0,
  at: 0,
  actor: '',
  action: '',
  target: '',
  result: '',
  detail_json: '',
  previous: '',
};
const insert = new Compiled<Values>((db) => db.insertInto('audit').values({ ...NOTHING, hash: '' }));
const setHead = new Compiled<[name: string, value: string, again: string]>((db) =>
  db
    .insertInto('engine_fact')
    .values({ name: '', value: '' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: '' })),
);

export class AuditTrail {
  readonly #clock: Clock;
  readonly #sealHead: SealHead;

  constructor(clock: Clock, sealHead: SealHead = unsealed) {
    this.#clock = clock;
    this.#sealHead = sealHead;
  }

  /** Appends inside the transaction of the change itself: either both are kept or neither. */
  async record(tx: Transaction, record: NewAuditRecord): Promise<void> {
    const [last] = await newest.all(tx.db, []);
    const entry: AuditEntry = {
      seq: (last?.seq ?? 0) + 1,
      at: this.#clock.now(),
      actor: record.actor,
      action: record.action,
      target: record.target ?? null,
      result: record.result ?? 'done',
      detail_json: JSON.stringify(record.detail ?? {}),
      previous: last?.hash ?? GENESIS,
    };
    const hash = auditHash(entry);
    const { seq, at, actor, action, target, result, detail_json, previous } = entry;
    await insert.run(tx.db, [seq, at, actor, action, target, result, detail_json, previous, hash]);
    const value = headValue(seq, hash, this.#sealHead);
    await setHead.run(tx.db, [AUDIT_HEAD, value, value]);
  }
}
