/** What happens, and what happened: of everything, or of one device. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Handlers } from '../capability.ts';
import { resolveDevice } from '../devices/resolve.ts';
import { asEvent } from './rows.ts';
import type { EventFeed } from './watch.ts';

export interface EventDeps {
  readonly feed: EventFeed;
  readonly store: Pick<Store, 'read'>;
}

export const eventOperations = ({ feed, store }: EventDeps): Handlers<'event.watch' | 'event.list'> => {
  const guidOf = async (device: string): Promise<string> => (await resolveDevice(store.read, device)).guid;
  return {
    'event.watch': ({ after, type, device }, call) =>
      feed.watch(
        { after, types: type, guid: device === undefined ? undefined : () => guidOf(device) },
        call.signal,
      ),

    'event.list': async ({ cursor, limit, device, type }) => {
      let query = store.read
        .selectFrom('event')
        .selectAll()
        .where('id', '<', readCursor(cursor))
        .orderBy('id', 'desc')
        .limit(limit + 1);
      if (device !== undefined) query = query.where('guid', '=', await guidOf(device));
      if (type !== undefined) query = query.where('type', 'in', type);
      const rows = await query.execute();
      const items = rows.slice(0, limit).map(asEvent);
      return { items, next_cursor: rows.length > limit ? String(items.at(-1)!.id) : null };
    },
  };
};

const readCursor = (cursor: string | undefined): number => {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  const id = Number(cursor);
  if (Number.isSafeInteger(id) && id > 0) return id;
  throw new BorealisError('INVALID_INPUT', { detail: 'cursor: not one that this list gave.' });
};
