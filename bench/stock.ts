/** Stores put together directly, without the engine: what would take days to happen is there in seconds. */
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { SqliteStore } from '../src/store/sqlite.ts';
import { ensurePrivateDirectory } from '../src/sys/files.ts';
import { deviceRow } from './fleet/rows.ts';

const DAY_MS = 86_400_000;

/** A state directory whose store has that many devices, with their contexts and tags; nothing else. */
export const stockDevices = async (state: string, devices: number): Promise<void> => {
  await ensurePrivateDirectory(state);
  const path = join(state, 'borealis.db');
  await (await SqliteStore.open(path)).close();
  fill(path, (db) => {
    const now = Date.now();
    const device = inserter(db, 'device', Object.keys(deviceRow(0)));
    const context = inserter(db, 'device_context', [
      'guid',
      'context',
      'public_key',
      'certificate_serial',
      'certificate_not_before',
      'certificate_not_after',
      'enrolled_at',
    ]);
    const tag = inserter(db, 'device_tag', ['guid', 'key', 'value']);
    for (let i = 0; i < devices; i++) {
      const row = deviceRow(i, now);
      device(row);
      context({
        guid: row.guid,
        context: 'system',
        public_key: row.fingerprint.slice(0, 43),
        certificate_serial: row.fingerprint.slice(0, 32),
        certificate_not_before: now - DAY_MS,
        certificate_not_after: now + 29 * DAY_MS,
        enrolled_at: now - DAY_MS,
      });
      for (const [key, value] of Object.entries(JSON.parse(row.tags_json) as Record<string, string>))
        tag({ guid: row.guid, key, value });
    }
  });
};

/** Adds telemetry of the last 30 days for 2,000 devices until the file is that large. */
export const stockTelemetry = (state: string, bytes: number): void => {
  const path = join(state, 'borealis.db');
  fill(path, (db) => {
    const devices = db.prepare('select guid from device order by guid limit 2000').pluck().all() as string[];
    const begun = Date.now() - 29 * DAY_MS;
    // One device after the other, in the order of the key: pages fill from one end.
    const add = db.prepare(`
      with recursive sample(n) as (select 0 union all select n + 1 from sample where n < @samples - 1)
      insert into telemetry
      select @guid, @begun + n * 30000, (n * 7 % 1000) / 10.0, (n % 400) / 100.0, 2000000000 + n * 4096, 8200000000, 0,
        41000000000 + n * 512, 105000000000, n * 131 % 1000000, n * 37 % 1000000, 86400.5 + n * 30, 180 + n % 60
      from sample`);
    const pageSize = db.pragma('page_size', { simple: true }) as number;
    for (const guid of devices) {
      if ((db.pragma('page_count', { simple: true }) as number) * pageSize >= bytes) return;
      add.run({ guid, begun, samples: 4_000 });
    }
    throw new Error('the devices are too few for so much telemetry');
  });
};

const inserter = (
  db: BetterSqlite3.Database,
  name: string,
  columns: readonly string[],
): ((row: object) => void) => {
  const values = columns.map((column) => `@${column}`).join(', ');
  const statement = db.prepare(`insert into ${name} (${columns.join(', ')}) values (${values})`);
  return (row) => void statement.run(row);
};

/** In one transaction and without waiting for the disk: if it breaks off, it is made anew. */
const fill = (path: string, work: (db: BetterSqlite3.Database) => void): void => {
  const db = new BetterSqlite3(path);
  db.pragma('synchronous = OFF');
  db.pragma('cache_size = -500000');
  db.transaction(() => work(db))();
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
};
