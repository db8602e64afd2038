/** A name for a device that enrols: its hostname, or that with a number where another device has it. */
import { guid as guidShape, label } from '../../protocol/scalars.ts';
import type { Database } from '../../store/store.ts';

const LONGEST_BASE = 120;
const TRIED = 9;

/** `guid` is the device's own: a name that it has already is free. */
export const freeName = async (db: Database, wanted: string, guid: string): Promise<string> => {
  // A host is called what it likes; `--all` would be an option wherever its name is typed.
  const trimmed = wanted
    .replace(/^[-\s]+/, '')
    .slice(0, LONGEST_BASE)
    .trim();
  const usable = label.safeParse(trimmed).success && !guidShape.safeParse(trimmed).success;
  const base = usable ? trimmed : 'device';
  const candidates = [base, ...Array.from({ length: TRIED - 1 }, (_, index) => `${base}-${index + 2}`)];
  const taken = await db
    .selectFrom('device')
    .select('name')
    .where('name', 'in', candidates)
    .where('guid', '!=', guid)
    .execute();
  const free = candidates.find((candidate) => !taken.some((row) => row.name === candidate));
  // Past a handful of namesakes a number says nothing any more.
  return free ?? `${base}-${guid.slice(0, 8)}`;
};
