/** Devices: machines with an agent, what they are made of and what operators may do with them. */
import { z } from 'zod';
import { operation } from './operation.ts';
import {
  agentContext,
  deviceRef,
  guid,
  label,
  nothing,
  pageOf,
  pageQuery,
  queryMany,
  site,
  tagKey,
  tags,
  timestamp,
} from './scalars.ts';

export const deviceState = z.enum(['pending', 'online', 'offline', 'quarantined', 'revoked']);
export type DeviceState = z.infer<typeof deviceState>;

export const deviceContext = z.strictObject({
  context: agentContext,
  online: z.boolean(),
  certificate_expires_at: timestamp,
});

export const device = z.strictObject({
  guid,
  name: label,
  hostname: z.string(),
  os: z.string(),
  arch: z.string(),
  site: z.string().nullable(),
  tags,
  state: deviceState,
  last_seen: timestamp.nullable(),
  agent_version: z.string(),
  address: z.string().nullable(),
  contexts: z.array(deviceContext),
  fingerprint: z.string(),
  enrolled_at: timestamp,
  /** Milliseconds that the device's clock is ahead of the engine's, when last heard. */
  clock_offset_ms: z.number().int().nullable(),
});
export type Device = z.infer<typeof device>;

export const INVENTORY_ROUTES_MAX = 512;

/** What an agent says of its machine; unknown facts are null or absent, never guessed. */
export const inventory = z.strictObject({
  collected_at: timestamp,
  system: z.strictObject({
    manufacturer: z.string().nullable(),
    model: z.string().nullable(),
    serial: z.string().nullable(),
    virtual: z.boolean().nullable(),
  }),
  os: z.strictObject({
    platform: z.string(),
    distribution: z.string().nullable(),
    release: z.string().nullable(),
    kernel: z.string().nullable(),
    hostname: z.string(),
    timezone: z.string().nullable(),
  }),
  cpu: z.strictObject({
    model: z.string().nullable(),
    cores: z.number().int(),
    physical_cores: z.number().int().nullable(),
    speed_mhz: z.number().nullable(),
  }),
  memory_bytes: z.number().int(),
  disks: z
    .array(
      z.strictObject({
        device: z.string(),
        mount: z.string(),
        type: z.string(),
        size_bytes: z.number().int(),
      }),
    )
    .max(256),
  interfaces: z
    .array(
      z.strictObject({
        name: z.string(),
        mac: z.string().nullable(),
        addresses: z.array(z.string()).max(64),
      }),
    )
    .max(256),
  /** Networks that it has routes to beside its own: default routes, and those of tunnels and services, are not among them. */
  routes: z
    .array(z.strictObject({ network: z.string().max(64), interface: z.string().nullable() }))
    .max(INVENTORY_ROUTES_MAX)
    .default([]),
  /** Interpreters that run_script can use here. */
  interpreters: z
    .array(z.strictObject({ language: z.string(), path: z.string(), version: z.string().nullable() }))
    .max(16),
  verbs: z.array(z.string()).max(256),
});
export type Inventory = z.infer<typeof inventory>;

/** Which devices: those named, and those that match all of tags and site; `all` where nothing narrows it. Each once. */
export const deviceSelection = {
  devices: z.array(deviceRef).max(100_000).optional(),
  tags: tags.optional(),
  site: site.optional(),
  all: z.boolean().optional(),
};

export const deviceOperations = {
  'device.list': operation({
    method: 'GET',
    path: '/devices',
    role: 'viewer',
    summary: 'List devices, by name.',
    input: z.strictObject({
      ...pageQuery,
      state: deviceState.optional(),
      site: site.optional(),
      /** `key=value`, several must all match. */
      tag: queryMany(z.string().max(200)).optional(),
      /** Part of a name or hostname. */
      search: z.string().max(128).optional(),
    }),
    output: pageOf(device),
  }),
  'device.show': operation({
    method: 'GET',
    path: '/devices/{device}',
    role: 'viewer',
    summary: 'Show one device.',
    input: z.strictObject({ device: deviceRef }),
    output: device,
  }),
  'device.names': operation({
    method: 'GET',
    path: '/device-names',
    role: 'viewer',
    summary: 'Names that begin with a prefix, for completion.',
    input: z.strictObject({ prefix: z.string().max(253).default(''), limit: pageQuery.limit }),
    output: z.array(z.string()),
  }),
  'device.groups': operation({
    method: 'GET',
    path: '/device-groups',
    role: 'viewer',
    summary:
      'Sites, or tags as key=value, that begin with a prefix, with how many devices have each; for completion.',
    input: z.strictObject({
      of: z.enum(['site', 'tag']),
      prefix: z.string().max(253).default(''),
      limit: pageQuery.limit,
    }),
    output: z.array(z.strictObject({ name: z.string(), devices: z.int() })),
  }),
  'device.rename': operation({
    method: 'PATCH',
    path: '/devices/{device}',
    role: 'operator',
    summary: 'Give a device another name.',
    input: z.strictObject({ device: deviceRef, name: label }),
    output: device,
  }),
  'device.tag': operation({
    method: 'PUT',
    path: '/devices/{device}/tags',
    role: 'operator',
    summary: 'Set and remove tags, and the site, of a device.',
    input: z.strictObject({
      device: deviceRef,
      set: tags.optional(),
      remove: z.array(tagKey).optional(),
      site: site.nullable().optional(),
    }),
    output: device,
  }),
  'device.quarantine': operation({
    method: 'POST',
    path: '/devices/{device}/quarantine',
    role: 'operator',
    summary: 'Cut a device off from commands and tunnels while keeping its enrolment.',
    input: z.strictObject({ device: deviceRef, reason: label.optional() }),
    output: device,
  }),
  'device.release': operation({
    method: 'POST',
    path: '/devices/{device}/release',
    role: 'operator',
    summary: 'End the quarantine of a device.',
    input: z.strictObject({ device: deviceRef }),
    output: device,
  }),
  'device.revoke': operation({
    method: 'POST',
    path: '/devices/{device}/revoke',
    role: 'admin',
    summary: 'Withdraw a device’s certificates and tokens at once; it must enrol again.',
    input: z.strictObject({ device: deviceRef, reason: label.optional() }),
    output: device,
  }),
  'device.remove': operation({
    method: 'DELETE',
    path: '/devices/{device}',
    role: 'admin',
    summary: 'Revoke a device and forget it, with its telemetry.',
    input: z.strictObject({ device: deviceRef }),
    output: nothing,
  }),
  'device.inventory': operation({
    method: 'GET',
    path: '/devices/{device}/inventory',
    role: 'viewer',
    summary: 'Show the inventory that a device last sent.',
    input: z.strictObject({ device: deviceRef }),
    output: inventory,
  }),
};
