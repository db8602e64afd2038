/**
 * What a restored store is told before anybody is served from it: that it is one, and in its audit trail, who put it in
 * place of what. The trail that the backup replaced lies aside; the record names its head, so neither ends unseen.
 */
import { basename } from 'node:path';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { AuditTrail } from '../audit/trail.ts';
import { rememberRestore } from '../trust/restored.ts';
import { passOverRevisions } from '../vpn/restored.ts';
import type { Restored } from './restore.ts';

const FACT = 'restored-instead-of';

/** All of it or nothing, and once, however often an engine that is killed begins again. */
export const tellRestored = (
  { store, clock, audit }: { store: Store; clock: Clock; audit: AuditTrail },
  { previous, asked }: Restored,
): Promise<void> =>
  store.write(async (tx) => {
    const folder = basename(previous);
    if (await isTold(tx, folder)) return;
    const inside: Pick<Store, 'write'> = { write: (work) => work(tx) };
    await passOverRevisions(inside);
    await rememberRestore(inside, clock.now());
    await audit.record(tx, {
      actor: asked?.actor ?? 'engine',
      action: 'backup.restore',
      detail: {
        ...(asked && { created_at: asked.created_at, devices: asked.devices }),
        ...(asked && { replaced_records: asked.replaced.seq, replaced_head: asked.replaced.hash }),
        previous_state: folder,
      },
    });
    await tx.db
      .insertInto('engine_fact')
      .values({ name: FACT, value: folder })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: folder }))
      .execute();
  });

const isTold = async ({ db }: Transaction, folder: string): Promise<boolean> => {
  const row = await db.selectFrom('engine_fact').select('value').where('name', '=', FACT).executeTakeFirst();
  return row?.value === folder;
};
