/** A device as operators see it: what the store says, and what its channels add. */
import type { Device, DeviceState } from '../../protocol/device.ts';
import type { DeviceContextTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';
import type { Channels } from '../channel/channels.ts';
import type { DeviceRow } from './resolve.ts';

const CONTEXTS = ['system', 'user'] as const;

/** `pending` is enrolled and never seen yet. */
export const stateOf = (
  row: Pick<DeviceRow, 'guid' | 'state' | 'last_seen_at'>,
  channels: Channels,
): DeviceState => {
  if (row.state !== 'active') return row.state;
  if (channels.isOnline(row.guid)) return 'online';
  return row.last_seen_at === null ? 'pending' : 'offline';
};

export const asDevice = (
  row: DeviceRow,
  contexts: readonly DeviceContextTable[],
  channels: Channels,
): Device => {
  const live = CONTEXTS.map((context) => channels.get(row.guid, context)).filter((one) => one !== undefined);
  const seen = Math.max(row.last_seen_at ?? -1, ...live.map((channel) => channel.lastHeardAt));
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
    address: live[0]?.address ?? row.address,
    contexts: contexts.map(({ context, certificate_not_after }) => ({
      context,
      online: live.some((channel) => channel.context === context),
      certificate_expires_at: new Date(certificate_not_after).toISOString(),
    })),
    fingerprint: row.fingerprint,
    enrolled_at: new Date(row.enrolled_at).toISOString(),
    clock_offset_ms: row.clock_offset_ms,
  };
};

/** One device, read anew. */
export const presentDevice = async (db: Database, guid: string, channels: Channels): Promise<Device> => {
  const row = await db.selectFrom('device').selectAll().where('guid', '=', guid).executeTakeFirstOrThrow();
  const contexts = await db
    .selectFrom('device_context')
    .selectAll()
    .where('guid', '=', guid)
    .orderBy('context')
    .execute();
  return asDevice(row, contexts, channels);
};
