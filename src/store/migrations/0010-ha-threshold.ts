/** How many renewals of a pair's lease are tried before it is over. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('ha_pair')
    .addColumn('threshold', 'integer', (c) => c.notNull().defaultTo(4))
    .execute();
}
