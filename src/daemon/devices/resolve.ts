/** Which device an operator means: exact GUID, exact name, or a prefix of either that only one device has. */
import { editDistance } from '../../config/settings.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { CompiledSelect } from '../../store/compiled.ts';
import { prefixRange } from '../../store/prefix.ts';
import type { DeviceTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';

export type DeviceRow = DeviceTable;

/** So many of the meanings of an ambiguous prefix are named. */
const NAMED = 5;
/** Names looked at for the one that was probably meant. */
const CANDIDATES = 4_000;

/** Errors: DEVICE_NOT_FOUND with the nearest name, DEVICE_AMBIGUOUS with up to five of those that it could mean. */
export const resolveDevice = async (db: Database, ref: string): Promise<DeviceRow> => {
  const guid = ref.toLowerCase();
  // A whole GUID first of all: no name that somebody gives can stand in for another device's.
  if (GUID.test(guid)) {
    const [identified] = await byGuid.all(db, [guid]);
    if (identified) return identified;
  }
  const [named] = await byName.all(db, [ref]);
  if (named) return named;
  return resolvePrefix(db, ref, guid);
};

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const byName = new CompiledSelect<DeviceRow, [name: string]>((db) =>
  db.selectFrom('device').selectAll().where('name', '=', ''),
);
const byGuid = new CompiledSelect<DeviceRow, [guid: string]>((db) =>
  db.selectFrom('device').selectAll().where('guid', '=', ''),
);

const resolvePrefix = async (db: Database, ref: string, guid: string): Promise<DeviceRow> => {
  const devices = db.selectFrom('device').selectAll();

  const [names, guids] = [prefixRange(ref), prefixRange(guid)];
  const found = [
    ...(await devices
      .where('name', '>=', names.first)
      .where('name', '<=', names.last)
      .orderBy('name')
      .limit(NAMED + 1)
      .execute()),
    ...(await devices
      .where('guid', '>=', guids.first)
      .where('guid', '<=', guids.last)
      .orderBy('guid')
      .limit(NAMED + 1)
      .execute()),
  ];
  const meanings = [...new Map(found.map((row) => [row.guid, row])).values()];
  const [only] = meanings;
  if (meanings.length > 1) throw ambiguous(ref, meanings);
  if (only) return only;
  const nearest = await nearestName(db, ref);
  throw new BorealisError('DEVICE_NOT_FOUND', {
    detail: `“${ref}” is none.`,
    ...(nearest && { next: `Did you mean ${nearest}? List devices with: borealisctl device list` }),
  });
};

const ambiguous = (ref: string, meanings: readonly DeviceRow[]): BorealisError => {
  const some = meanings.slice(0, NAMED).map((row) => `${row.name} (${row.guid.slice(0, 8)})`);
  const more = meanings.length > NAMED ? ', and others' : '';
  return new BorealisError('DEVICE_AMBIGUOUS', { detail: `“${ref}” begins ${some.join(', ')}${more}.` });
};

/** The name that differs in the fewest letters, where that is at most a third of them. */
const nearestName = async (db: Database, ref: string): Promise<string | null> => {
  const names = db.selectFrom('device').select('name').orderBy('name').limit(CANDIDATES);
  const { first, last } = prefixRange([...ref][0] ?? '');
  const rows = [
    // Mistakes are seldom in the first letter; in a large fleet only names with the same one are looked at.
    ...(await names.where('name', '>=', first).where('name', '<=', last).execute()),
    ...(await names.execute()),
  ];
  let best: { name: string; distance: number } | null = null;
  const typed = ref.toLowerCase();
  for (const { name } of rows) {
    const distance = editDistance(typed, name.toLowerCase());
    if (distance <= Math.ceil(ref.length / 3) && distance < (best?.distance ?? Infinity))
      best = { name, distance };
  }
  return best?.name ?? null;
};
