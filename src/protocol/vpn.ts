/** The VPN bastion: WireGuard services, and the connections of clients and sites that may use them. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { label, nothing, querySwitch, tagKey, timestamp } from './scalars.ts';
import { wireguardKey } from './tunnel-session.ts';

/** Names of services, connections and projects: they end up in file names and interface names. */
export const vpnName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must be lower-case letters, digits and -, 32 at most');
export const labels = z.record(tagKey, label);
/** `10.8.0.0/24`, `fd00:8::/64`. Whose host bits are set is refused rather than corrected. */
const [CIDR4, CIDR6] = ['must be a network as 10.8.0.0/24', 'must be a network as fd00:8::/64'];
export const cidr = z.union([z.cidrv4(), z.cidrv6()], 'must be a network as 10.8.0.0/24 or fd00:8::/64');
/** What has only digits and points is an address, or nothing. */
const isHost = (host: string): boolean => {
  if (host.startsWith('[')) return z.ipv6().safeParse(host.slice(1, -1)).success;
  return !/^[\d.]+$/.test(host) || z.ipv4().safeParse(host).success;
};
/** `HOST:PORT` as clients are told it: a name, an IPv4 address, or an IPv6 address in brackets. */
export const vpnEndpoint = z
  .string()
  .max(260)
  .regex(/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):[1-9]\d{0,4}$/, {
    error: 'must be HOST:PORT',
    abort: true, // what follows takes it apart
  })
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'the port must be at most 65535')
  .refine((text) => isHost(text.slice(0, text.lastIndexOf(':'))), 'the host is no name and no address');
/** `10.0.0.0/8:443/tcp`, `10.0.0.0/8:*` for every port of both, `10.0.0.0/8` for whatever protocol. */
export const allowRule = z
  .string()
  .max(80)
  .regex(
    /^[0-9A-Fa-f.:]+\/\d{1,3}(:(\*|[1-9]\d{0,4}(-[1-9]\d{0,4})?)(\/(tcp|udp))?)?$/,
    'must be CIDR, CIDR:PORT or CIDR:PORT/PROTO',
  );

/** `waiting`: its device has not said that all is in force; it goes on as it was told last. */
export const vpnPhase = z.enum(['up', 'waiting', 'failed']);
export const vpnService = z.strictObject({
  id: z.string(),
  name: vpnName,
  project: vpnName,
  labels,
  endpoint: z.string(),
  /** IPv4; the first address is the service's own. */
  pool: z.string(),
  /** IPv6, beside the other; null: none. */
  pool6: z.string().nullable(),
  dns: z.array(z.string()),
  /** Networks behind the service that clients reach through it. */
  local_subnets: z.array(z.string()),
  /** Clients appear in them with the service's own address, where the router there cannot be told of the pool. */
  masquerade: z.boolean(),
  mtu: z.number().int(),
  public_key: z.string(),
  listen_port: z.number().int(),
  interface: z.string(),
  phase: vpnPhase,
  /** Why it is not up. */
  reason: z.string().nullable(),
  /** Where it runs: `engine`, or a device, by name; with a pair, that which was the primary at last. */
  node: z.string(),
  /** How many. */
  connections: z.number().int(),
  created_at: timestamp,
});
export type VpnService = z.infer<typeof vpnService>;

export const connectionStatus = z.enum(['new', 'connected', 'idle', 'disabled', 'expired']);
const allowRules = z.array(allowRule).max(64);
const lifetime = z.number().int().min(1).max(315_360_000);
export const connection = z.strictObject({
  id: z.string(),
  name: vpnName,
  vpn: vpnName,
  kind: z.enum(['client', 'site']),
  /** Null until the key is made, or brought along. */
  public_key: z.string().nullable(),
  /** In the pool; with IPv6 there are two, `address6` is the other. */
  address: z.string(),
  address6: z.string().nullable(),
  site_subnets: z.array(z.string()),
  /** What it may reach; empty: all that the service reaches. */
  allow: z.array(z.string()),
  preshared_key: z.boolean(),
  /** `connected`: a handshake in the last three minutes. `new`: never one. */
  status: connectionStatus,
  expires_at: timestamp.nullable(),
  last_handshake: timestamp.nullable(),
  connected_since: timestamp.nullable(),
  rx_bytes: z.number().int(),
  tx_bytes: z.number().int(),
  endpoint: z.string().nullable(),
  created_at: timestamp,
  created_by: z.string(),
});
export type Connection = z.infer<typeof connection>;

/** Devices, by name, that have not heard of it: each goes on as it was told last, until it is connected again. */
export const untold = z.strictObject({ untold: z.array(z.string()) });

const vpnRef = { vpn: z.string().min(1).max(64) };
const connectionRef = { ...vpnRef, connection: z.string().min(1).max(64) };
/** What a client puts into its WireGuard; `private_key` is shown here, once, and kept nowhere. */
export const clientConfig = z.strictObject({
  name: z.string(),
  config: z.string(),
  private_key_shown: z.boolean(),
});

export const vpnOperations = {
  'vpn.create': operation({
    method: 'POST',
    path: '/vpn-services',
    role: 'admin',
    scope: 'project',
    summary:
      'Make a VPN service: a WireGuard interface on this engine’s host or on a device, with its own port and addresses.',
    input: z.strictObject({
      name: vpnName,
      project: vpnName.default('default'),
      labels: labels.default({}),
      endpoint: vpnEndpoint,
      pool: z.cidrv4(CIDR4),
      pool6: z.cidrv6(CIDR6).optional(),
      dns: z
        .array(z.union([z.ipv4(), z.ipv6()]))
        .max(8)
        .default([]),
      local_subnets: z.array(cidr).max(64).default([]),
      masquerade: z.boolean().default(false),
      mtu: z.number().int().min(1_280).max(9_000).default(1_420),
      /** UDP; the endpoint's when left out. */
      listen_port: z.number().int().min(1).max(65_535).optional(),
      /** The device that it runs on: name, GUID, or a prefix; this engine’s host when left out. */
      node: z.string().min(1).max(253).optional(),
    }),
    output: vpnService,
  }),
  'vpn.list': operation({
    method: 'GET',
    path: '/vpn-services',
    role: 'viewer',
    scope: 'project',
    summary: 'List VPN services, by name.',
    input: z.strictObject({ project: vpnName.optional() }),
    output: z.array(vpnService),
  }),
  'vpn.show': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}',
    role: 'viewer',
    scope: 'project',
    summary: 'Show a VPN service, by name or id.',
    input: z.strictObject(vpnRef),
    output: vpnService,
  }),
  'vpn.status': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}/status',
    role: 'viewer',
    scope: 'project',
    summary: 'Show a VPN service and who is connected: handshakes, bytes, endpoints.',
    input: z.strictObject(vpnRef),
    output: z.strictObject({ service: vpnService, connections: z.array(connection) }),
  }),
  'vpn.delete': operation({
    method: 'DELETE',
    path: '/vpn-services/{vpn}',
    role: 'admin',
    scope: 'project',
    summary: 'Remove a VPN service with all its connections.',
    input: z.strictObject(vpnRef),
    output: untold,
  }),
  'connection.add': operation({
    method: 'POST',
    path: '/vpn-services/{vpn}/connections',
    role: 'operator',
    scope: 'project',
    summary: 'Add a client or a site to a VPN service.',
    input: z.strictObject({
      ...vpnRef,
      name: vpnName,
      /** The client's; made by the engine at the first `config` or `qr` when left out. */
      public_key: wireguardKey.optional(),
      preshared_key: z.boolean().default(false),
      /** In the pool, IPv4; the next one when left out. */
      address: z.ipv4().optional(),
      /** Seconds. */
      expires_in: lifetime.optional(),
      allow: allowRules.default([]),
      site_subnets: z.array(cidr).max(64).default([]),
    }),
    output: connection,
  }),
  'connection.list': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}/connections',
    role: 'viewer',
    scope: 'project',
    summary: 'List the connections of a VPN service, by name.',
    input: z.strictObject(vpnRef),
    output: z.array(connection),
  }),
  'connection.show': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}/connections/{connection}',
    role: 'viewer',
    scope: 'project',
    summary: 'Show a connection, by name or id.',
    input: z.strictObject(connectionRef),
    output: connection,
  }),
  'connection.config': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}/connections/{connection}/config',
    role: 'operator',
    scope: 'project',
    /** The first time it makes the key, and it may show a secret: it is audited. */
    changes: true,
    summary: 'The client’s configuration; its private key is made now, shown once, and kept nowhere.',
    input: z.strictObject({
      ...connectionRef,
      new_key: querySwitch.default(false),
      /** Makes nothing and shows no secret: where a key would be, there is a text as long. */
      preview: querySwitch.default(false),
      /** What wg-quick(8) and the apps take, what `wg setconf` takes, or as short as the apps take it. */
      format: z.enum(['wg-quick', 'wg', 'compact']).default('wg-quick'),
    }),
    output: clientConfig,
  }),
  'connection.qr': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}/connections/{connection}/config-qr',
    transport: 'binary',
    media: 'image/png',
    role: 'operator',
    scope: 'project',
    changes: true,
    summary: 'The client’s configuration as a QR code (PNG), under the same rule as the text.',
    input: z.strictObject({ ...connectionRef, new_key: querySwitch.default(false) }),
    output: nothing,
  }),
  'connection.change': operation({
    method: 'PATCH',
    path: '/vpn-services/{vpn}/connections/{connection}',
    role: 'operator',
    scope: 'project',
    summary: 'Change what a connection may reach and until when, at once; what is left out stays.',
    input: z.strictObject({
      ...connectionRef,
      /** Empty: all that the service reaches. */
      allow: allowRules.optional(),
      /** Seconds from now; null: it does not expire. */
      expires_in: lifetime.nullable().optional(),
    }),
    output: connection,
  }),
  'connection.enable': operation({
    method: 'POST',
    path: '/vpn-services/{vpn}/connections/{connection}/enable',
    role: 'operator',
    scope: 'project',
    summary: 'Let a connection in again, at once.',
    input: z.strictObject(connectionRef),
    output: connection,
  }),
  'connection.disable': operation({
    method: 'POST',
    path: '/vpn-services/{vpn}/connections/{connection}/disable',
    role: 'operator',
    scope: 'project',
    summary: 'Shut a connection out, at once, until it is enabled.',
    input: z.strictObject(connectionRef),
    output: connection,
  }),
  'connection.remove': operation({
    method: 'DELETE',
    path: '/vpn-services/{vpn}/connections/{connection}',
    role: 'operator',
    scope: 'project',
    summary: 'Remove a connection; its address is not given to another while its configuration may be about.',
    input: z.strictObject(connectionRef),
    output: nothing,
  }),
};
