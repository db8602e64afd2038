/** VPN services that run on devices, and what those were told last. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .alterTable('vpn_service')
    .addColumn('node', 'text', (c) => c.notNull().defaultTo('engine'))
    .execute();
  await schema
    .alterTable('vpn_service')
    .addColumn('revision', 'bigint', (c) => c.notNull().defaultTo(0))
    .execute();
  await schema.alterTable('vpn_service').addColumn('told', 'text').execute();
}
