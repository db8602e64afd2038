/** Reverse tunnels: what is kept for a device's life, and the sessions that are open. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('tunnel_device')
    .addColumn('guid', 'text', (c) => c.primaryKey().references('device.guid').onDelete('cascade'))
    .addColumn('address', 'bigint', (c) => c.unique())
    .addColumn('ports_json', 'text')
    .execute();
  await schema
    .createTable('tunnel_session')
    .addColumn('guid', 'text', (c) => c.primaryKey().references('device.guid').onDelete('cascade'))
    .addColumn('tunnel_id', 'text', (c) => c.notNull())
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('operators_json', 'text', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('used_at', 'bigint', (c) => c.notNull())
    .execute();
}
