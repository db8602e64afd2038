/** Pairs of devices that share the address of a VPN service, where they hear each other, and when it changed hands. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('ha_pair')
    .addColumn('vpn_id', 'text', (c) => c.primaryKey().references('vpn_service.id').onDelete('cascade'))
    .addColumn('home_guid', 'text', (c) => c.notNull())
    .addColumn('primary_guid', 'text', (c) => c.notNull())
    .addColumn('standby_guid', 'text', (c) => c.notNull())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('interface', 'text')
    .addColumn('port', 'integer', (c) => c.notNull())
    .addColumn('driver', 'text', (c) => c.notNull())
    .addColumn('hook', 'text')
    .addColumn('router_id', 'integer', (c) => c.notNull())
    .addColumn('lease_seconds', 'integer', (c) => c.notNull())
    .addColumn('fail_back', 'integer', (c) => c.notNull())
    .addColumn('sealed_key', 'blob', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .execute();
  await schema
    .createTable('ha_node')
    .addColumn('vpn_id', 'text', (c) => c.notNull().references('ha_pair.vpn_id').onDelete('cascade'))
    .addColumn('guid', 'text', (c) => c.notNull())
    .addColumn('endpoint', 'text')
    .addPrimaryKeyConstraint('ha_node_key', ['vpn_id', 'guid'])
    .execute();
  await schema
    .createTable('ha_switch')
    .addColumn('vpn_id', 'text', (c) => c.notNull().references('vpn_service.id').onDelete('cascade'))
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('from_name', 'text')
    .addColumn('to_name', 'text', (c) => c.notNull())
    .addColumn('gap_ms', 'bigint')
    .addColumn('clients', 'integer', (c) => c.notNull())
    .addColumn('back', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('ha_switch_key', ['vpn_id', 'id'])
    .execute();
  await schema.createIndex('ha_switch_newest').on('ha_switch').columns(['vpn_id', 'at']).execute();
  await schema.createIndex('ha_switch_at').on('ha_switch').column('at').execute();
}
