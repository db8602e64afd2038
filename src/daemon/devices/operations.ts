/** `device.*`: what operators do with devices. */
import type { Device } from '../../protocol/device.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Event, EventType } from '../../protocol/event.ts';
import { prefixRange } from '../../store/prefix.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Call, Handlers } from '../capability.ts';
import type { Channels } from '../channel/channels.ts';
import type { EventLog } from '../events/log.ts';
import { putTags, renameDevice, tagsOf } from './edit.ts';
import { groupsOfDevices } from './groups.ts';
import { listDevices } from './list.ts';
import { presentDevice } from './present.ts';
import { type DeviceRow, resolveDevice } from './resolve.ts';
import { quarantineDevice, releaseDevice, removeDevice, revokeDevice } from './standing.ts';

export interface DeviceDependencies {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly channels: Channels;
}

export type DeviceOperationName =
  | 'device.list'
  | 'device.show'
  | 'device.names'
  | 'device.groups'
  | 'device.rename'
  | 'device.tag'
  | 'device.quarantine'
  | 'device.release'
  | 'device.revoke'
  | 'device.remove'
  | 'device.inventory';

interface Told {
  readonly type: EventType;
  readonly message: string;
  /** For event and audit. */
  readonly data?: Event['data'];
  /** Where it has another name from now on. */
  readonly name?: string;
}

export const deviceOperations = (deps: DeviceDependencies): Handlers<DeviceOperationName> => {
  const { store, clock, events, channels } = deps;

  /** Resolves, changes, audits and tells in one transaction. */
  const change = async (
    ref: string,
    call: Call,
    work: (tx: Transaction, device: DeviceRow) => Promise<Told>,
  ): Promise<string> =>
    store.write(async (tx) => {
      const device = await resolveDevice(tx.db, ref);
      const { type, message, data = {}, name = device.name } = await work(tx, device);
      await call.audit(tx, { target: device.name, detail: { guid: device.guid, ...data } });
      await events.record(tx, { type, message, device: { guid: device.guid, name }, data });
      return device.guid;
    });
  const changed = async (...parameters: Parameters<typeof change>): Promise<Device> =>
    presentDevice(store.read, await change(...parameters), channels);

  return {
    'device.list': (input) => listDevices(store.read, input, channels),

    'device.show': async ({ device }) =>
      presentDevice(store.read, (await resolveDevice(store.read, device)).guid, channels),

    'device.names': async ({ prefix, limit }) => {
      const { first, last } = prefixRange(prefix);
      const rows = await store.read
        .selectFrom('device')
        .select('name')
        .where('name', '>=', first)
        .where('name', '<=', last)
        .orderBy('name')
        .limit(limit)
        .execute();
      return rows.map((row) => row.name);
    },

    'device.groups': (input) => groupsOfDevices(store.read, input),

    'device.rename': ({ device, name }, call) =>
      changed(device, call, async (tx, row) => {
        await renameDevice(tx, row, name);
        const data = { from: row.name, to: name };
        return { type: 'device.changed', message: `${row.name} is now called ${name}`, data, name };
      }),

    'device.tag': ({ device, set = {}, remove = [], site }, call) =>
      changed(device, call, async (tx, row) => {
        const kept = Object.entries(tagsOf(row)).filter(([key]) => !remove.includes(key));
        await putTags(tx, row.guid, { ...Object.fromEntries(kept), ...set });
        if (site !== undefined)
          await tx.db.updateTable('device').set({ site }).where('guid', '=', row.guid).execute();
        const data = { set, remove, ...(site !== undefined && { site }) };
        return { type: 'device.changed', message: `Tags of ${row.name} changed`, data };
      }),

    'device.quarantine': ({ device, reason }, call) =>
      changed(device, call, async (tx, row) => {
        await quarantineDevice(tx, row, channels);
        return { type: 'device.quarantined', message: `${row.name} is quarantined`, data: because(reason) };
      }),

    'device.release': ({ device }, call) =>
      changed(device, call, async (tx, row) => {
        await releaseDevice(tx, row);
        return { type: 'device.released', message: `${row.name} is released from quarantine` };
      }),

    'device.revoke': ({ device, reason }, call) =>
      changed(device, call, async (tx, row) => {
        await revokeDevice(tx, row, { now: clock.now(), channels });
        return { type: 'device.revoked', message: `${row.name} is revoked`, data: because(reason) };
      }),

    'device.remove': async ({ device }, call) => {
      await change(device, call, async (tx, row) => {
        await removeDevice(tx, row, channels);
        return { type: 'device.removed', message: `${row.name} is removed` };
      });
      return {};
    },

    'device.inventory': async ({ device }) => {
      const { guid, name } = await resolveDevice(store.read, device);
      const row = await store.read
        .selectFrom('inventory')
        .select('document_json')
        .where('guid', '=', guid)
        .executeTakeFirst();
      if (!row) throw new BorealisError('INVENTORY_UNKNOWN', { detail: `${name} is meant.` });
      // An agent of before does not tell its routes.
      return { routes: [], ...JSON.parse(row.document_json) };
    },
  };
};

const because = (reason: string | undefined): { reason?: string } => (reason === undefined ? {} : { reason });
