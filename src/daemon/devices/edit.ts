/** Name, tags and site of a device. */
import { BorealisError } from '../../protocol/errors.ts';
import { guid as guidShape } from '../../protocol/scalars.ts';
import type { Transaction } from '../../store/store.ts';
import type { DeviceRow } from './resolve.ts';

const MOST_TAGS = 64;

/**
 * Errors: DEVICE_NAME_TAKEN; INVALID_INPUT for a name that reads like a GUID, which could hide another device, or like an
 * option, which would be obeyed where it stands on a command line.
 */
export const renameDevice = async (
  tx: Transaction,
  device: Pick<DeviceRow, 'guid'>,
  name: string,
): Promise<void> => {
  if (guidShape.safeParse(name).success)
    throw new BorealisError('INVALID_INPUT', { detail: 'name: a name must not look like a GUID.' });
  if (name.startsWith('-'))
    throw new BorealisError('INVALID_INPUT', { detail: 'name: a name must not begin with a hyphen.' });
  const other = await tx.db.selectFrom('device').select('guid').where('name', '=', name).executeTakeFirst();
  if (other && other.guid !== device.guid)
    throw new BorealisError('DEVICE_NAME_TAKEN', { detail: `“${name}” is ${other.guid}.` });
  await tx.db.updateTable('device').set({ name }).where('guid', '=', device.guid).execute();
};

/** Tags are held twice: as JSON to show, as rows to search. */
export const putTags = async (
  tx: Transaction,
  guid: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> => {
  const entries = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > MOST_TAGS)
    throw new BorealisError('INVALID_INPUT', { detail: `set: a device has at most ${MOST_TAGS} tags.` });
  const tags_json = JSON.stringify(Object.fromEntries(entries));
  await tx.db.updateTable('device').set({ tags_json }).where('guid', '=', guid).execute();
  await tx.db.deleteFrom('device_tag').where('guid', '=', guid).execute();
  if (entries.length === 0) return;
  await tx.db
    .insertInto('device_tag')
    .values(entries.map(([key, value]) => ({ guid, key, value })))
    .execute();
};

export const tagsOf = (row: { readonly tags_json: string }): Record<string, string> =>
  JSON.parse(row.tags_json) as Record<string, string>;
