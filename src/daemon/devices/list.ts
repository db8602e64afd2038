/** `device.list`: a page at a time, by name. One query, whatever its size; compiled once for each set of filters. */
import { sql } from 'kysely';
import type { Device } from '../../protocol/device.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { ParsedInputOf } from '../../protocol/operations.ts';
import type { Page } from '../../protocol/scalars.ts';
import { CompiledSelect } from '../../store/compiled.ts';
import type { Database } from '../../store/store.ts';
import type { Channels } from '../channel/channels.ts';
import { asDevice, type ShownRow, selectShown, stateOf } from './present.ts';
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
  const page = pageOf(wanted, size);
  let after = readCursor(wanted.cursor);
  for (;;) {
    const rows = await page.all(db, valuesOf(wanted, after));
    const chosen = presence ? rows.filter((row) => stateOf(row, channels) === wanted.state) : rows;
    for (const row of chosen) {
      if (items.length === wanted.limit) return { items, next_cursor: cursorAfter(items.at(-1)!.name) };
      items.push(asDevice(row, channels));
    }
    if (rows.length < size) return { items, next_cursor: null };
    after = rows.at(-1)!.name;
  }
};

type Values = readonly (string | number)[];
type PageQuery = CompiledSelect<ShownRow, Values>;

/** By which filters there are, and how many rows are asked for (store/literal-limit.ts). */
const pages = new Map<string, PageQuery>();
/** Those that ask ask alike; whoever tries all sizes makes them anew. */
const PAGES_KEPT = 64;

const pageOf = (wanted: Wanted, limit: number): PageQuery => {
  const { site, state, tag = [], search } = wanted;
  const shape = [
    site !== undefined,
    storedState(state) !== undefined,
    tag.length,
    Boolean(search),
    limit,
  ].join();
  const found = pages.get(shape);
  if (found) return found;
  const made: PageQuery = new CompiledSelect((db) => matching(db, wanted, limit));
  if (pages.size >= PAGES_KEPT) pages.clear();
  pages.set(shape, made);
  return made;
};

/** In the order in which `matching` asks for them. */
const valuesOf = ({ site, state, tag = [], search }: Wanted, after: string): Values => {
  const stored = storedState(state);
  return [
    after,
    ...(site === undefined ? [] : [site]),
    ...(stored ? [stored] : []),
    ...tag.map(readTag).flatMap(({ key, value }) => [key, value]),
    ...(search ? [partOf(search), partOf(search)] : []),
  ];
};

const partOf = (search: string): string => `%${search.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;

/** Compiled once: what is asked for each time is told by `valuesOf`. */
const matching = (db: Database, wanted: Wanted, limit: number) => {
  let query = selectShown(db).where('device.name', '>', '').orderBy('device.name').limit(limit);
  if (wanted.site !== undefined) query = query.where('device.site', '=', wanted.site);
  const stored = storedState(wanted.state);
  if (stored) query = query.where('device.state', '=', stored);
  for (const tag of wanted.tag ?? []) {
    const { key, value } = readTag(tag);
    query = query.where('device.guid', 'in', (eb) =>
      eb.selectFrom('device_tag').select('device_tag.guid').where('key', '=', key).where('value', '=', value),
    );
  }
  if (wanted.search) {
    const part = partOf(wanted.search);
    query = query.where((eb) =>
      eb.or([
        sql<boolean>`lower(${eb.ref('device.name')}) like ${part} escape '\\'`,
        sql<boolean>`lower(${eb.ref('device.hostname')}) like ${part} escape '\\'`,
      ]),
    );
  }
  return query;
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
