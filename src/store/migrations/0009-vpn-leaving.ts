/** Devices that are to run a VPN service no more, and have not said that they do not. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('vpn_leaving')
    .addColumn('vpn_id', 'text', (c) => c.notNull().references('vpn_service.id').onDelete('cascade'))
    .addColumn('guid', 'text', (c) => c.notNull())
    .addColumn('address', 'text')
    .addPrimaryKeyConstraint('vpn_leaving_key', ['vpn_id', 'guid'])
    .execute();
  await schema.createIndex('vpn_leaving_guid').on('vpn_leaving').column('guid').execute();
}
