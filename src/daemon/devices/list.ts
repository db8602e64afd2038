/** `device.list`: a page at a time, by name. Two queries a page, whatever its size. */
import { sql } from 'kysely';
import type { Device } from '../../protocol/device.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { ParsedInputOf } from '../../protocol/operations.ts';
import type { Page } from '../../protocol/scalars.ts';
import type { Database } from '../../store/store.ts';
import type { Channels } from '../channel/channels.ts';
import { asDevice, SHOWN_OF_CONTEXT, type ShownContext, stateOf } from './present.ts';
import type { DeviceRow } from './resolve.ts';

type Wanted = ParsedInputOf<'device.list'>;

/** Rows looked at in one go where the state is not in the store and only some of them will do. */
const BATCH = 2_000;

/** Errors: INVALID_INPUT for a tag without `=` or a cursor that is none of ours. */
export const listDevices = async (
  db: Database,
  wanted: Wanted,
  channels: Channels,
): Promise<Page<Device>> => {
  const items: Device[] = [];
  const presence = wanted.state === 'online' || wanted.state === 'offline' || wanted.state === 'pending';
  // One more than asked for tells whether there is a next page.
  const size = presence ? Math.max(BATCH, wanted.limit + 1) : wanted.limit + 1;
  let after = readCursor(wanted.cursor);
  for (;;) {
    const rows = await matching(db, wanted, after, size).selectAll().execute();
    const chosen = presence ? rows.filter((row) => stateOf(row, channels) === wanted.state) : rows;
    const contexts = chosen.length === 0 ? new Map() : await contextsOf(db, wanted, after, size);
    for (const row of chosen) {
      if (items.length === wanted.limit) return { items, next_cursor: cursorAfter(items.at(-1)!.name) };
      items.push(asDevice(row, contexts.get(row.guid) ?? [], channels));
    }
    if (rows.length < size) return { items, next_cursor: null };
    after = rows.at(-1)!.name;
  }
};

const matching = (db: Database, wanted: Wanted, after: string, limit: number) => {
  let query = db.selectFrom('device').where('name', '>', after).orderBy('name').limit(limit);
  if (wanted.site !== undefined) query = query.where('site', '=', wanted.site);
  const stored = storedState(wanted.state);
  if (stored) query = query.where('state', '=', stored);
  for (const tag of wanted.tag ?? []) {
    const { key, value } = readTag(tag);
    query = query.where('guid', 'in', (eb) =>
      eb.selectFrom('device_tag').select('device_tag.guid').where('key', '=', key).where('value', '=', value),
    );
  }
  if (wanted.search) {
    const part = `%${wanted.search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
    query = query.where((eb) =>
      eb.or([
        sql<boolean>`lower(${eb.ref('name')}) like ${part} escape '\\'`,
        sql<boolean>`lower(${eb.ref('hostname')}) like ${part} escape '\\'`,
      ]),
    );
  }
  return query;
};

const contextsOf = async (
  db: Database,
  wanted: Wanted,
  after: string,
  limit: number,
): Promise<Map<string, ShownContext[]>> => {
  const rows = await db
    .selectFrom('device_context')
    .select(['guid', ...SHOWN_OF_CONTEXT])
    .where('guid', 'in', matching(db, wanted, after, limit).select('guid'))
    .orderBy('guid')
    .orderBy('context')
    .execute();
  return Map.groupBy(rows, (row) => row.guid);
};

const storedState = (state: Wanted['state']): DeviceRow['state'] | undefined =>
  state === undefined || state === 'quarantined' || state === 'revoked' ? state : 'active';

const readTag = (text: string): { key: string; value: string } => {
  const at = text.indexOf('=');
  if (at < 1) throw new BorealisError('INVALID_INPUT', { detail: `tag: “${text}” is not KEY=VALUE.` });
  return { key: text.slice(0, at), value: text.slice(at + 1) };
};

const cursorAfter = (name: string): string => Buffer.from(name, 'utf8').toString('base64url');

const readCursor = (cursor: string | undefined): string => {
  if (cursor === undefined) return '';
  const name = Buffer.from(cursor, 'base64url').toString('utf8');
  if (cursorAfter(name) !== cursor)
    throw new BorealisError('INVALID_INPUT', { detail: 'cursor: it is not from a page before.' });
  return name;
};
