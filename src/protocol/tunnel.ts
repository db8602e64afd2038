/** Reverse tunnels: WireGuard from a device that accepts no connection. One session a device, shared by its operators. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { deviceRef, guid, queryInteger, timestamp } from './scalars.ts';

/** TCP port of the agent's own server (shells, copies), at the device's tunnel address only. */
export const AGENT_PORT = 47_001;

/** `22`, which is TCP, or `53/udp`. Always with the protocol in answers. */
export const portSpec = z
  .string()
  .regex(/^[1-9]\d{0,4}(\/(tcp|udp))?$/, 'must be PORT or PORT/tcp or PORT/udp')
  .refine((text) => Number.parseInt(text, 10) <= 65_535, 'the port must be at most 65535')
  .transform((text) => (text.includes('/') ? text : `${text}/tcp`));
export const DEFAULT_PORTS: readonly string[] = ['22/tcp', `${AGENT_PORT}/tcp`];

export const tunnelState = z.enum(['down', 'connecting', 'up']);
export const tunnelTransport = z.enum(['udp', 'relay']);
export type TunnelTransport = z.infer<typeof tunnelTransport>;

export const tunnel = z.strictObject({
  /** Null while there is no session. */
  tunnel_id: z.string().nullable(),
  /** Name of the device. */
  device: z.string(),
  guid,
  /** The device's for its life; null before its first tunnel. */
  virtual_ip: z.string().nullable(),
  /** From where the device's WireGuard was last heard, as the engine sees it. */
  endpoint: z.string().nullable(),
  allowed_ports: z.array(z.string()),
  /** Null before the first handshake. */
  transport: tunnelTransport.nullable(),
  state: tunnelState,
  started_at: timestamp.nullable(),
  /** Who connected or used it. */
  operators: z.array(z.string()),
  /** Seconds since an operator last used it, and until it is torn down for that; 0 and 0 where there is none. */
  idle_seconds: z.number().int(),
  idle_left: z.number().int(),
  rx_bytes: z.number().int(),
  tx_bytes: z.number().int(),
  last_handshake: timestamp.nullable(),
});
export type Tunnel = z.infer<typeof tunnel>;

const ref = z.strictObject({ device: deviceRef });
const ports = z.strictObject({ device: z.string(), guid, allowed_ports: z.array(z.string()) });

export const tunnelOperations = {
  'tunnel.connect': operation({
    method: 'POST',
    path: '/tunnels/{device}',
    role: 'operator',
    summary: 'Bring the tunnel of a device up, or join the one that is; answers when packets pass.',
    input: ref,
    output: tunnel,
  }),
  'tunnel.status': operation({
    method: 'GET',
    path: '/tunnels/{device}',
    role: 'viewer',
    summary: 'Show the tunnel of a device; its state is down where there is none.',
    input: ref,
    output: tunnel,
  }),
  'tunnel.list': operation({
    method: 'GET',
    path: '/tunnels',
    role: 'viewer',
    summary: 'List the tunnels that are up or coming up, by device.',
    input: z.strictObject({}),
    output: z.array(tunnel),
  }),
  'tunnel.disconnect': operation({
    method: 'DELETE',
    path: '/tunnels/{device}',
    role: 'operator',
    summary: 'Tear the tunnel of a device down, for all its operators.',
    input: ref,
    output: tunnel,
  }),
  'tunnel.ports': operation({
    method: 'GET',
    path: '/devices/{device}/ports',
    role: 'viewer',
    summary: 'Show the ports of a device that its tunnel may reach.',
    input: ref,
    output: ports,
  }),
  'tunnel.allow': operation({
    method: 'PUT',
    path: '/devices/{device}/ports',
    role: 'operator',
    summary: 'Set the ports of a device that its tunnel may reach; a live tunnel stays up.',
    input: ref.extend({ ports: z.array(portSpec).max(256) }),
    output: ports,
  }),
  /**
   * While the stream is open, processes of the caller's user may open connections to that port of the device. The first
   * message comes when packets pass; one more for each change of the tunnel (transport, a new session, ports).
   */
  'tunnel.forward': operation({
    method: 'GET',
    path: '/tunnels/{device}/forward',
    transport: 'stream',
    role: 'operator',
    summary: 'Hold the way to one port of a device open, for a local forward.',
    input: ref.extend({ port: queryInteger(1, 65_535) }),
    output: z.strictObject({
      tunnel,
      /** Where to connect to, from the engine's host. */
      address: z.string(),
      port: z.number().int(),
    }),
  }),
  /** Sent by forwards at most each few seconds, and only where payload has passed: it moves the idle clock. */
  'tunnel.activity': operation({
    method: 'POST',
    path: '/tunnels/{device}/activity',
    role: 'operator',
    changes: false,
    summary: 'Tell that an operator uses the tunnel.',
    input: ref.extend({ bytes: z.number().int().min(1), connections: z.number().int().min(0) }),
    output: tunnel,
  }),
};
