/** The first schema. Migrations are only ever appended; this file does not change any more once released. */
import type { Kysely, SqlBool } from 'kysely';
import { type RawBuilder, sql } from 'kysely';

const isNull = (column: string): RawBuilder<SqlBool> => sql<SqlBool>`${sql.ref(column)} is null`;

export async function up(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable('device')
    .addColumn('guid', 'text', (c) => c.primaryKey())
    .addColumn('name', 'text', (c) => c.notNull().unique())
    .addColumn('hostname', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('os', 'text', (c) => c.notNull())
    .addColumn('arch', 'text', (c) => c.notNull())
    .addColumn('site', 'text')
    .addColumn('tags_json', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('agent_version', 'text', (c) => c.notNull())
    .addColumn('address', 'text')
    .addColumn('token_version', 'integer', (c) => c.notNull())
    .addColumn('clock_offset_ms', 'integer')
    .addColumn('enrolled_at', 'bigint', (c) => c.notNull())
    .addColumn('revoked_at', 'bigint')
    .addColumn('last_seen_at', 'bigint')
    .execute();
  await schema.createIndex('device_hostname').on('device').column('hostname').execute();
  await schema.createIndex('device_fingerprint').on('device').column('fingerprint').execute();
  await schema.createIndex('device_site').on('device').columns(['site', 'name']).execute();
  await schema.createIndex('device_state').on('device').columns(['state', 'name']).execute();

  await schema
    .createTable('device_context')
    .addColumn('guid', 'text', (c) => c.notNull().references('device.guid').onDelete('cascade'))
    .addColumn('context', 'text', (c) => c.notNull())
    .addColumn('public_key', 'text', (c) => c.notNull().unique())
    .addColumn('certificate_serial', 'text', (c) => c.notNull())
    .addColumn('previous_serial', 'text')
    .addColumn('certificate_not_before', 'bigint', (c) => c.notNull())
    .addColumn('certificate_not_after', 'bigint', (c) => c.notNull())
    .addColumn('enrolled_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('device_context_key', ['guid', 'context'])
    .execute();
  await schema
    .createIndex('device_context_expiry')
    .on('device_context')
    .column('certificate_not_after')
    .execute();

  await schema
    .createTable('device_tag')
    .addColumn('guid', 'text', (c) => c.notNull().references('device.guid').onDelete('cascade'))
    .addColumn('key', 'text', (c) => c.notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('device_tag_key', ['guid', 'key'])
    .execute();
  await schema.createIndex('device_tag_value').on('device_tag').columns(['key', 'value', 'guid']).execute();

  await schema
    .createTable('inventory')
    .addColumn('guid', 'text', (c) => c.primaryKey().references('device.guid').onDelete('cascade'))
    .addColumn('collected_at', 'bigint', (c) => c.notNull())
    .addColumn('document_json', 'text', (c) => c.notNull())
    .execute();

  await schema
    .createTable('telemetry')
    .addColumn('guid', 'text', (c) => c.notNull().references('device.guid').onDelete('cascade'))
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('cpu_percent', 'real', (c) => c.notNull())
    .addColumn('load_1m', 'real')
    .addColumn('memory_used_bytes', 'bigint', (c) => c.notNull())
    .addColumn('memory_total_bytes', 'bigint', (c) => c.notNull())
    .addColumn('swap_used_bytes', 'bigint')
    .addColumn('disk_used_bytes', 'bigint')
    .addColumn('disk_total_bytes', 'bigint')
    .addColumn('network_rx_bytes_per_s', 'real')
    .addColumn('network_tx_bytes_per_s', 'real')
    .addColumn('uptime_seconds', 'real', (c) => c.notNull())
    .addColumn('processes', 'integer')
    .addPrimaryKeyConstraint('telemetry_key', ['guid', 'at'])
    .execute();
  // Retention deletes by time, across devices.
  await schema.createIndex('telemetry_at').on('telemetry').column('at').execute();

  await schema
    .createTable('enrolment_code')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('code_hash', 'text', (c) => c.notNull().unique())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('uses', 'integer', (c) => c.notNull())
    .addColumn('uses_left', 'integer', (c) => c.notNull())
    .addColumn('site', 'text')
    .addColumn('tags_json', 'text', (c) => c.notNull())
    .addColumn('auto_approve', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('revoked_at', 'bigint')
    .execute();
  await schema.createIndex('enrolment_code_created').on('enrolment_code').column('created_at').execute();

  await schema
    .createTable('approval')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('secret_hash', 'text', (c) => c.notNull())
    .addColumn('code_id', 'text', (c) => c.notNull().references('enrolment_code.id'))
    .addColumn('public_key', 'text', (c) => c.notNull())
    .addColumn('context', 'text', (c) => c.notNull())
    .addColumn('hostname', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('os', 'text', (c) => c.notNull())
    .addColumn('arch', 'text', (c) => c.notNull())
    .addColumn('agent_version', 'text', (c) => c.notNull())
    .addColumn('address', 'text')
    .addColumn('request_nonce', 'text', (c) => c.notNull().unique())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('requested_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('decided_at', 'bigint')
    .addColumn('decided_by', 'text')
    .addColumn('reason', 'text')
    .addColumn('resolution', 'text')
    .addColumn('guid', 'text')
    .addColumn('name', 'text')
    .execute();
  await schema.createIndex('approval_state').on('approval').columns(['state', 'requested_at']).execute();
  await schema.createIndex('approval_requested').on('approval').column('requested_at').execute();
  // A code is forgotten only when no request names it any more; the foreign key looks too.
  await schema.createIndex('approval_code').on('approval').column('code_id').execute();
  await schema.createIndex('approval_public_key').on('approval').column('public_key').execute();

  await schema
    .createTable('refresh_token')
    .addColumn('token_hash', 'text', (c) => c.primaryKey())
    .addColumn('family', 'text', (c) => c.notNull())
    .addColumn('guid', 'text', (c) => c.notNull().references('device.guid').onDelete('cascade'))
    .addColumn('context', 'text', (c) => c.notNull())
    .addColumn('issued_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('used_at', 'bigint')
    .addColumn('successor_hash', 'text')
    .addColumn('revoked_at', 'bigint')
    .execute();
  await schema.createIndex('refresh_token_family').on('refresh_token').column('family').execute();
  await schema.createIndex('refresh_token_device').on('refresh_token').columns(['guid', 'context']).execute();
  await schema.createIndex('refresh_token_expiry').on('refresh_token').column('expires_at').execute();

  await schema
    .createTable('script')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('language', 'text', (c) => c.notNull())
    .addColumn('sha256', 'text', (c) => c.notNull())
    .addColumn('size', 'integer', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('description', 'text')
    .addColumn('signature', 'text', (c) => c.notNull())
    .addColumn('added_by', 'text', (c) => c.notNull())
    .addColumn('added_at', 'bigint', (c) => c.notNull())
    .execute();

  await schema
    .createTable('job')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('title', 'text', (c) => c.notNull())
    .addColumn('work_json', 'text', (c) => c.notNull())
    .addColumn('context', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('timeout_seconds', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('finished_at', 'bigint')
    .addColumn('retry_of', 'text')
    .addColumn('state', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('job_created').on('job').columns(['created_at', 'id']).execute();
  await schema.createIndex('job_state').on('job').columns(['state', 'created_at', 'id']).execute();

  await schema
    .createTable('job_target')
    .addColumn('job_id', 'text', (c) => c.notNull().references('job.id').onDelete('cascade'))
    .addColumn('guid', 'text', (c) => c.notNull())
    .addColumn('corr_id', 'text', (c) => c.notNull().unique())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('exit_code', 'integer')
    .addColumn('error_code', 'text')
    .addColumn('error', 'text')
    .addColumn('stdout', 'text', (c) => c.notNull())
    .addColumn('stderr', 'text', (c) => c.notNull())
    .addColumn('truncated', 'integer', (c) => c.notNull())
    .addColumn('value_json', 'text')
    .addColumn('duration_ms', 'integer')
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('sent_at', 'bigint')
    .addColumn('finished_at', 'bigint')
    .addColumn('cancel_at', 'bigint')
    .addColumn('result_jws', 'text')
    .addPrimaryKeyConstraint('job_target_key', ['job_id', 'guid'])
    .execute();
  // What is still open: small however large the history grows.
  await schema
    .createIndex('job_target_open')
    .on('job_target')
    .columns(['guid', 'expires_at'])
    .where(isNull('finished_at'))
    .execute();
  await schema
    .createIndex('job_target_expiry')
    .on('job_target')
    .column('expires_at')
    .where(isNull('finished_at'))
    .execute();

  await schema
    .createTable('job_count')
    .addColumn('job_id', 'text', (c) => c.notNull().references('job.id').onDelete('cascade'))
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('count', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('job_count_key', ['job_id', 'state'])
    .execute();

  await schema
    .createTable('event')
    .addColumn('id', 'bigint', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('guid', 'text')
    .addColumn('device', 'text')
    .addColumn('message', 'text', (c) => c.notNull())
    .addColumn('data_json', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('event_at').on('event').column('at').execute();

  await schema
    .createTable('audit')
    .addColumn('seq', 'bigint', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('target', 'text')
    .addColumn('result', 'text', (c) => c.notNull())
    .addColumn('detail_json', 'text', (c) => c.notNull())
    .addColumn('previous', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .execute();
  await schema.createIndex('audit_actor').on('audit').columns(['actor', 'seq']).execute();
  await schema.createIndex('audit_action').on('audit').columns(['action', 'seq']).execute();
  await schema.createIndex('audit_at').on('audit').columns(['at', 'seq']).execute();
  await schema.createIndex('audit_target').on('audit').columns(['target', 'seq']).execute();

  await schema
    .createTable('user_grant')
    .addColumn('who', 'text', (c) => c.notNull())
    .addColumn('project', 'text', (c) => c.notNull())
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('granted_by', 'text', (c) => c.notNull())
    .addColumn('granted_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('user_grant_key', ['who', 'project'])
    .execute();

  await schema
    .createTable('secret')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('sealed', 'blob', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();

  await schema
    .createTable('engine_fact')
    .addColumn('name', 'text', (c) => c.primaryKey())
    .addColumn('value', 'text', (c) => c.notNull())
    .execute();
}
