/** What each device measured last: for whoever has just begun to watch. */
import type { OutputOf } from '../../protocol/operations.ts';
import type { Database } from '../../store/store.ts';
import { asSample } from './series.ts';

/** Of the devices named, or of all, that measured since then (milliseconds since 1970). */
export const readNewest = async (
  db: Database,
  since: number,
  guids: ReadonlySet<string> | null,
): Promise<OutputOf<'telemetry.watch'>[]> => {
  const rows = await db
    .selectFrom('telemetry')
    .innerJoin(
      db
        .selectFrom('telemetry')
        .select((eb) => ['guid', eb.fn.max('at').as('newest')])
        .where('at', '>=', since)
        .groupBy('guid')
        .as('last'),
      (join) => join.onRef('last.guid', '=', 'telemetry.guid').onRef('last.newest', '=', 'telemetry.at'),
    )
    .innerJoin('device', 'device.guid', 'telemetry.guid')
    .selectAll('telemetry')
    .select('device.name')
    .execute();
  return rows
    .filter(({ guid }) => guids === null || guids.has(guid))
    .map((row) => ({ device: row.name, guid: row.guid, sample: asSample(row) }));
};
