/** Shells on devices, and what is known of their recordings; these themselves are files. */
import type { Kysely, SqlBool } from 'kysely';
import { sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('shell')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('guid', 'text', (c) => c.notNull())
    .addColumn('device', 'text', (c) => c.notNull())
    .addColumn('account', 'text', (c) => c.notNull())
    .addColumn('started_by', 'text', (c) => c.notNull())
    .addColumn('started_at', 'bigint', (c) => c.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('exit_code', 'integer')
    .addColumn('cols', 'integer', (c) => c.notNull())
    .addColumn('rows', 'integer', (c) => c.notNull())
    .addColumn('recording', 'text', (c) => c.notNull())
    .addColumn('record_input', 'integer', (c) => c.notNull())
    .addColumn('recorded_bytes', 'bigint', (c) => c.notNull())
    .addColumn('duration_ms', 'bigint', (c) => c.notNull())
    .execute();
  await schema.createIndex('shell_started').on('shell').columns(['started_at', 'id']).execute();
  await schema.createIndex('shell_device').on('shell').columns(['guid', 'started_at', 'id']).execute();
  await schema.createIndex('shell_ended').on('shell').column('ended_at').execute();
  // Those that are still open: few, however many there were.
  await schema
    .createIndex('shell_open')
    .on('shell')
    .columns(['started_at', 'id'])
    .where(sql<SqlBool>`ended_at is null`)
    .execute();
}
