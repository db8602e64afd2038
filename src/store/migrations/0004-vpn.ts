/** VPN services, their connections, and every address that was ever given out. */
import type { Kysely } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('vpn_service')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('project', 'text', (c) => c.notNull())
    .addColumn('labels_json', 'text', (c) => c.notNull())
    .addColumn('endpoint', 'text', (c) => c.notNull())
    .addColumn('pool', 'text', (c) => c.notNull())
    .addColumn('pool6', 'text')
    .addColumn('dns_json', 'text', (c) => c.notNull())
    .addColumn('local_subnets_json', 'text', (c) => c.notNull())
    .addColumn('masquerade', 'integer', (c) => c.notNull())
    .addColumn('mtu', 'integer', (c) => c.notNull())
    .addColumn('listen_port', 'integer', (c) => c.notNull().unique())
    .addColumn('interface', 'text', (c) => c.notNull().unique())
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('given', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('vpn_service_project').on('vpn_service').columns(['project', 'name']).execute();
  await schema
    .createTable('vpn_connection')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('vpn_id', 'text', (c) => c.notNull().references('vpn_service.id').onDelete('cascade'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addColumn('public_key', 'text')
    .addColumn('own_key', 'integer', (c) => c.notNull())
    .addColumn('preshared_key', 'blob')
    .addColumn('allow_json', 'text', (c) => c.notNull())
    .addColumn('site_subnets_json', 'text', (c) => c.notNull())
    .addColumn('is_site', 'integer', (c) => c.notNull())
    .addColumn('disabled_at', 'bigint')
    .addColumn('expires_at', 'bigint')
    .addColumn('expired_at', 'bigint')
    .addColumn('last_handshake', 'bigint')
    .addColumn('connected_since', 'bigint')
    .addColumn('endpoint', 'text')
    .addColumn('rx_bytes', 'bigint', (c) => c.notNull())
    .addColumn('tx_bytes', 'bigint', (c) => c.notNull())
    .addColumn('rx_seen', 'bigint', (c) => c.notNull())
    .addColumn('tx_seen', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .execute();
  for (const column of ['name', 'number', 'public_key'])
    await schema
      .createIndex(`vpn_connection_${column}`)
      .unique()
      .on('vpn_connection')
      .columns(['vpn_id', column])
      .execute();
  await schema
    .createIndex('vpn_connection_expiry')
    .on('vpn_connection')
    .columns(['expired_at', 'expires_at'])
    .execute();
  await schema.createIndex('vpn_connection_site').on('vpn_connection').column('is_site').execute();
  await schema
    .createTable('vpn_address')
    .addColumn('vpn_id', 'text', (c) => c.notNull().references('vpn_service.id').onDelete('cascade'))
    .addColumn('number', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('vpn_address_key', ['vpn_id', 'number'])
    .execute();
}
