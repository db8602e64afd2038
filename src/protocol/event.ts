/** What happens, as it happens. Ids grow; a watcher that names the last id it saw misses nothing. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { deviceRef, pageOf, pageQuery, queryInteger, queryMany, timestamp } from './scalars.ts';

export const eventType = z.enum([
  'engine.started',
  'engine.stopping',
  'approval.requested',
  'approval.approved',
  'approval.denied',
  'approval.expired',
  'device.enrolled',
  'device.online',
  'device.offline',
  'device.changed',
  'device.quarantined',
  'device.released',
  'device.revoked',
  'device.removed',
  'device.inventory',
  'job.created',
  'job.finished',
  'job.target',
  'code.created',
  'code.revoked',
  'script.changed',
  'user.changed',
  'config.changed',
  'security.alert',
  'agent.event',
  'vpn_tunnel_start',
  'vpn_tunnel_stop',
  /** Use by an operator: at most one a minute and tunnel. */
  'vpn_tunnel_activity',
  'shell.started',
  'shell.ended',
  /** Somebody attached or left. */
  'shell.viewers',
  'copy.started',
  /** A VPN service was made or deleted, or is up or failed. */
  'vpn.changed',
  /** A connection of a VPN service was added, changed, removed, or is expired. */
  'connection.changed',
  'connection.connected',
  'connection.disconnected',
  /** A pair was made or taken apart, or is in another state. */
  'ha.changed',
  /** The floating address went to another device. */
  'ha.switched',
  /** It does so too often, and nobody asked for it. */
  'ha.flapping',
  /** Events up to this id are gone (retention); the watcher must read the present state anew. */
  'stream.gap',
]);
export type EventType = z.infer<typeof eventType>;

export const event = z.strictObject({
  id: z.number().int(),
  at: timestamp,
  type: eventType,
  /** Name and GUID of the device it is about. */
  device: z.string().nullable(),
  guid: z.string().nullable(),
  /** One sentence for people. */
  message: z.string(),
  data: z.record(z.string(), z.json()),
});
export type Event = z.infer<typeof event>;

export const eventOperations = {
  'event.watch': operation({
    method: 'GET',
    path: '/events',
    transport: 'stream',
    role: 'viewer',
    summary: 'Events after an id, then as they happen; without `after` only new ones.',
    input: z.strictObject({
      after: queryInteger(0, Number.MAX_SAFE_INTEGER).optional(),
      type: queryMany(eventType).optional(),
      device: deviceRef.optional(),
    }),
    output: event,
  }),
  'event.list': operation({
    method: 'GET',
    path: '/events/past',
    role: 'viewer',
    summary: 'Events that are kept, newest first.',
    input: z.strictObject({
      ...pageQuery,
      type: queryMany(eventType).optional(),
      device: deviceRef.optional(),
    }),
    output: pageOf(event),
  }),
};
