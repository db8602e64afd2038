/**
 * After a backup was put in place: agents have exchanged their refresh tokens since it was made, for ones that this store
 * knows nothing of. To take them all for thieves would lock a fleet out.
 */
import type { Store, Transaction } from '../../store/store.ts';

const FACT = 'restored-at';

/** `now`: milliseconds since 1970. */
export const rememberRestore = (store: Pick<Store, 'write'>, now: number): Promise<void> =>
  store.write(async ({ db }) => {
    const value = String(now);
    await db
      .insertInto('engine_fact')
      .values({ name: FACT, value })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
      .execute();
  });

/** When a backup was last put in place; null: never. */
export const restoredAt = async ({ db }: Transaction): Promise<number | null> => {
  const row = await db.selectFrom('engine_fact').select('value').where('name', '=', FACT).executeTakeFirst();
  return row ? Number(row.value) : null;
};
