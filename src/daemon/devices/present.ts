/** A device as operators see it: what the store says, and what its channels add. */
import type { Device, DeviceState } from '../../protocol/device.ts';
import { CompiledSelect } from '../../store/compiled.ts';
import type { DeviceContextTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';
import type { Channels } from '../channel/channels.ts';
import type { DeviceRow } from './resolve.ts';

export const SHOWN_OF_CONTEXT = ['context', 'certificate_not_after'] as const;
export type ShownContext = Pick<DeviceContextTable, (typeof SHOWN_OF_CONTEXT)[number]>;

/** `pending` is enrolled and never seen yet. */
export const stateOf = (
  row: Pick<DeviceRow, 'guid' | 'state' | 'last_seen_at'>,
  channels: Channels,
): DeviceState => {
  if (row.state !== 'active') return row.state;
  if (channels.isOnline(row.guid)) return 'online';
  return row.last_seen_at === null ? 'pending' : 'offline';
};

export const asDevice = (row: DeviceRow, contexts: readonly ShownContext[], channels: Channels): Device => {
  const system = channels.get(row.guid, 'system');
  const user = channels.get(row.guid, 'user');
  const seen = Math.max(row.last_seen_at ?? -1, system?.lastHeardAt ?? -1, user?.lastHeardAt ?? -1);
  return {
    guid: row.guid,
    name: row.name,
    hostname: row.hostname,
    os: row.os,
    arch: row.arch,
    site: row.site,
    tags: JSON.parse(row.tags_json) as Device['tags'],
    state: stateOf(row, channels),
    last_seen: seen < 0 ? null : new Date(seen).toISOString(),
    agent_version: row.agent_version,
    address: (system ?? user)?.address ?? row.address,
    contexts: contexts.map(({ context, certificate_not_after }) => ({
      context,
      online: (context === 'system' ? system : user) !== undefined,
      certificate_expires_at: new Date(certificate_not_after).toISOString(),
    })),
    fingerprint: row.fingerprint,
    enrolled_at: new Date(row.enrolled_at).toISOString(),
    clock_offset_ms: row.clock_offset_ms,
  };
};

/** One device, read anew. */
export const presentDevice = async (db: Database, guid: string, channels: Channels): Promise<Device> =>
  presentRow(
    db,
    await db.selectFrom('device').selectAll().where('guid', '=', guid).executeTakeFirstOrThrow(),
    channels,
  );

/** One device whose row was just read. */
export const presentRow = async (db: Database, row: DeviceRow, channels: Channels): Promise<Device> => {
  const contexts = await contextsOf.all(db, [row.guid]);
  // Ordered here: with ORDER BY, SQLite would plan the statement anew for each guid that is bound.
  contexts.sort((a, b) => (a.context < b.context ? -1 : 1));
  return asDevice(row, contexts, channels);
};

const contextsOf = new CompiledSelect<ShownContext, [guid: string]>((db) =>
  db.selectFrom('device_context').select(SHOWN_OF_CONTEXT).where('guid', '=', ''),
);
