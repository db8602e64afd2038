/** What a device measured over a span: as it was, or averaged into equal buckets where that would be too much. */
import { sql } from 'kysely';
import type { TelemetrySample } from '../../protocol/telemetry.ts';
import type { TelemetryTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';

export interface Span {
  readonly guid: string;
  /** Milliseconds since 1970, both included. */
  readonly since: number;
  readonly until: number;
  /** At most so many samples. */
  readonly points: number;
}

export const readSeries = async (db: Database, span: Span): Promise<TelemetrySample[]> => {
  const { guid, since, until, points } = span;
  const inSpan = db
    .selectFrom('telemetry')
    .where('guid', '=', guid)
    .where('at', '>=', since)
    .where('at', '<=', until);
  const { count } = await inSpan
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count <= points) {
    const rows = await inSpan.selectAll().orderBy('at').execute();
    return rows.map(asSample);
  }
  const width = Math.ceil((until - since + 1) / points);
  const mean = (column: keyof TelemetryTable) => sql<number>`avg(${sql.ref(column)})`;
  const nullable = (column: keyof TelemetryTable) => sql<number | null>`avg(${sql.ref(column)})`;
  // With `floor`, since a driver may bind whole numbers as reals.
  const bucket = sql<number>`floor((at - ${since}) / ${width})`;
  const rows = await inSpan
    .select([
      mean('at').as('at'),
      mean('cpu_percent').as('cpu_percent'),
      nullable('load_1m').as('load_1m'),
      mean('memory_used_bytes').as('memory_used_bytes'),
      mean('memory_total_bytes').as('memory_total_bytes'),
      nullable('swap_used_bytes').as('swap_used_bytes'),
      nullable('disk_used_bytes').as('disk_used_bytes'),
      nullable('disk_total_bytes').as('disk_total_bytes'),
      nullable('network_rx_bytes_per_s').as('network_rx_bytes_per_s'),
      nullable('network_tx_bytes_per_s').as('network_tx_bytes_per_s'),
      mean('uptime_seconds').as('uptime_seconds'),
      nullable('processes').as('processes'),
    ])
    .groupBy(bucket)
    .orderBy(mean('at'))
    .execute();
  return rows.map(asSample);
};

const whole = (value: number | null): number | null => (value === null ? null : Math.round(value));

/** As the API has it. */
export const asSample = (row: Omit<TelemetryTable, 'guid'>): TelemetrySample => ({
  at: new Date(Math.round(row.at)).toISOString(),
  cpu_percent: row.cpu_percent,
  load_1m: row.load_1m,
  memory_used_bytes: Math.round(row.memory_used_bytes),
  memory_total_bytes: Math.round(row.memory_total_bytes),
  swap_used_bytes: whole(row.swap_used_bytes),
  disk_used_bytes: whole(row.disk_used_bytes),
  disk_total_bytes: whole(row.disk_total_bytes),
  network_rx_bytes_per_s: row.network_rx_bytes_per_s,
  network_tx_bytes_per_s: row.network_tx_bytes_per_s,
  uptime_seconds: row.uptime_seconds,
  processes: whole(row.processes),
});
