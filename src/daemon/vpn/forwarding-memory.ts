/** Which switches of packet forwarding the engine turned on, in the store. */
import type { Store } from '../../store/store.ts';
import type { ForwardingMemory, IpFamily } from '../../wg/forwarding.ts';

const FACT = 'vpn-forwarding';

export const forwardingMemory = (store: Store): ForwardingMemory => ({
  async read() {
    const row = await store.read
      .selectFrom('engine_fact')
      .select('value')
      .where('name', '=', FACT)
      .executeTakeFirst();
    return row ? (JSON.parse(row.value) as IpFamily[]) : [];
  },
  write: (families) =>
    store.write(async ({ db }) => {
      if (families.length === 0) await db.deleteFrom('engine_fact').where('name', '=', FACT).execute();
      else {
        const value = JSON.stringify(families);
        await db
          .insertInto('engine_fact')
          .values({ name: FACT, value })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
          .execute();
      }
    }),
});
