/** What happened to one device, however much happened to others. */
import { type Kysely, type SqlBool, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createIndex('event_device')
    .on('event')
    .columns(['guid', 'id'])
    .where(sql<SqlBool>`guid is not null`)
    .execute();
}
