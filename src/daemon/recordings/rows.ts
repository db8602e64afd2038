/** What the store knows of recorded shells. */

import { BorealisError } from '../../protocol/errors.ts';
import type { Recording } from '../../protocol/shell.ts';
import { prefixRange } from '../../store/prefix.ts';
import type { ShellTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';

/** With the name that the device has now; the one that it had, where it was removed. */
export type ShellRow = ShellTable & { readonly name: string | null };

const rows = (db: Database) =>
  db
    .selectFrom('shell')
    .leftJoin('device', 'device.guid', 'shell.guid')
    .selectAll('shell')
    .select('device.name as name');

/** Errors: SESSION_NOT_FOUND, SESSION_AMBIGUOUS. */
export const findRecording = async (db: Database, ref: string): Promise<ShellRow> => {
  const { first, last } = prefixRange(ref.toLowerCase());
  const found = await rows(db)
    .where('shell.id', '>=', first)
    .where('shell.id', '<=', last)
    .where('shell.recording', '!=', 'none')
    .where('shell.state', '!=', 'starting')
    .orderBy('shell.id')
    .limit(2)
    .execute();
  const [one, other] = found;
  if (!one) throw new BorealisError('SESSION_NOT_FOUND', { detail: `“${ref}” is none.` });
  if (other && one.id !== first)
    throw new BorealisError('SESSION_AMBIGUOUS', { detail: `“${ref}” begins several.` });
  return one;
};

/** Newest first, after the one given. */
export const listRecordings = (
  db: Database,
  { guid, limit, before }: { guid?: string | undefined; limit: number; before?: ShellRow | undefined },
): Promise<ShellRow[]> => {
  let query = rows(db).where('shell.recording', '!=', 'none').where('shell.state', '!=', 'starting');
  if (guid !== undefined) query = query.where('shell.guid', '=', guid);
  if (before)
    query = query.where((eb) =>
      eb(eb.refTuple('shell.started_at', 'shell.id'), '<', eb.tuple(before.started_at, before.id)),
    );
  return query.orderBy('shell.started_at', 'desc').orderBy('shell.id', 'desc').limit(limit).execute();
};

/** What is not in the store while it is being recorded. */
export interface LiveRecording {
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly cols: number;
  readonly rows: number;
}

export const asRecording = (row: ShellRow, live?: LiveRecording): Recording => ({
  id: row.id,
  device: row.name ?? row.device,
  guid: row.guid,
  user: row.account,
  started_by: row.started_by,
  started_at: new Date(row.started_at).toISOString(),
  ended_at:
    row.ended_at === null || row.recording === 'cut_off' ? null : new Date(row.ended_at).toISOString(),
  state: row.recording === 'none' ? 'cut_off' : row.recording,
  duration_seconds: (live?.elapsedMs ?? row.duration_ms) / 1000,
  bytes: live?.bytes ?? row.recorded_bytes,
  exit_code: row.exit_code,
  cols: live?.cols ?? row.cols,
  rows: live?.rows ?? row.rows,
  input_recorded: row.record_input === 1,
});
