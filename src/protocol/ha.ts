/** High availability of a VPN service: two devices, one address that goes from one to the other. */
import { z } from 'zod';
import { haDriver, hostedHaState, socketAddress, switchReason } from './bastion.ts';
import { operation } from './operation.ts';
import { guid, queryInteger, timestamp } from './scalars.ts';
import { cidr, untold, vpnName } from './vpn.ts';

export const haState = z.enum([
  /** One has the address, the other one could take it at once. */
  'ok',
  /** One has it, and nobody could take it. */
  'degraded',
  /** It is on its way. */
  'switching',
  /** Nobody has it, as far as the engine can see. */
  'down',
  /** A stranger answers for it. */
  'conflict',
]);
export type HaState = z.infer<typeof haState>;

export const haNode = z.strictObject({
  /** Its name. */
  device: z.string(),
  guid,
  /** As it says; null: it says nothing now. */
  role: hostedHaState.shape.role.nullable(),
  online: z.boolean(),
  /** How many changes of the service it does not have yet; null: not known. */
  revision_behind: z.number().int().min(0).nullable(),
  /** Where it hears votes. */
  endpoint: socketAddress.nullable(),
  /** Whether it hears the other one. */
  other_heard: z.boolean().nullable(),
  /** Clients of which it knows where they are. */
  endpoints: z.number().int().min(0),
  /** Hardware address of a stranger that has the floating address. */
  stranger: z.string().nullable(),
  error: z.string().nullable(),
});
export type HaNodeView = z.infer<typeof haNode>;

export const haHistoryEntry = z.strictObject({
  id: z.string(),
  at: timestamp,
  reason: switchReason,
  /** Name of the device; null: nobody had it. */
  from: z.string().nullable(),
  to: z.string(),
  /** From the last sign of the one until a client was heard by the other. */
  gap_ms: z.number().int().min(0).nullable(),
  clients: z.number().int().min(0),
  back: z.number().int().min(0),
});
export type HaHistoryEntry = z.infer<typeof haHistoryEntry>;

export const haPair = z.strictObject({
  vpn: vpnName,
  project: vpnName,
  address: z.string(),
  /** Null: the one that is in the network of the address. */
  interface: z.string().nullable(),
  /** UDP, for votes. */
  port: z.number().int(),
  state: haState,
  /** Why it is so, a sentence. */
  reason: z.string(),
  /** The device that had the address last, and the other one: they change places with each switch. */
  primary: z.string(),
  standby: z.string(),
  /** Who has the address now. */
  holder: z.string().nullable(),
  last_switch: z
    .strictObject({ at: timestamp, reason: switchReason, gap_ms: z.number().int().min(0).nullable() })
    .nullable(),
  driver: haDriver,
  hook: z.string().nullable(),
  router_id: z.number().int(),
  lease_seconds: z.number().int(),
  /** Of the lease, before it is over where none succeeds. */
  threshold: z.number().int(),
  /** Milliseconds between two renewals. */
  interval_ms: z.number().int(),
  fail_back: z.boolean(),
  /** Where it goes back to, where that was asked for. */
  preferred: z.string(),
  /** It changed hands too often of itself lately. */
  flapping: z.boolean(),
  nodes: z.array(haNode),
  created_at: timestamp,
  created_by: z.string(),
});
export type HaPair = z.infer<typeof haPair>;

const vpnRef = { vpn: z.string().min(1).max(64) };
const device = z.string().min(1).max(255);
/** As Linux takes it for the name of an interface: 15 bytes, no `/` and no space. */
const interfaceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, 'must be the name of an interface');
/** Run by the agent, with no shell in between. */
const hookPath = z
  .string()
  .max(1_024)
  .regex(/^(\/[\w.@+-]+)+$/, 'must be an absolute path on the devices');

/** The first that is taken where none is asked for; of VRRP the same. */
export const HA_PORT = 47_002;
export const HA_ROUTER_ID = 51;

export const haOperations = {
  'ha.list': operation({
    method: 'GET',
    path: '/ha-pairs',
    role: 'viewer',
    scope: 'project',
    summary: 'List the pairs of devices that share an address, by VPN service.',
    input: z.strictObject({}),
    output: z.array(haPair),
  }),
  'ha.show': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}/ha',
    role: 'viewer',
    scope: 'project',
    summary: 'Show who has the address of a VPN service, and who would take it.',
    input: z.strictObject(vpnRef),
    output: haPair,
  }),
  'ha.enable': operation({
    method: 'POST',
    path: '/vpn-services/{vpn}/ha',
    role: 'admin',
    scope: 'project',
    summary: 'Run a VPN service on two devices, with an address that one of them has.',
    input: z.strictObject({
      ...vpnRef,
      primary: device,
      standby: device,
      /** With the prefix length of its network: `192.0.2.10/24`. */
      address: cidr,
      interface: interfaceName.optional(),
      /** UDP, on both, for what they say to each other; one that no other pair of theirs has when left out. */
      port: z.number().int().min(1_024).max(65_535).optional(),
      /** Seconds for which a device keeps the address that it does not renew. */
      lease_seconds: z.number().int().min(1).max(30).default(2),
      /** Renewals in that time: so many in a row may fail before the address moves. Each is a check whether all is well. */
      threshold: z.number().int().min(3).max(10).default(4),
      driver: haDriver.default('own'),
      hook: hookPath.optional(),
      /** Of VRRP (RFC 5798 §5.2.3), one for each pair in a network; one that no other pair has when left out. */
      router_id: z.number().int().min(1).max(255).optional(),
      fail_back: z.boolean().default(false),
    }),
    output: haPair,
  }),
  'ha.switch': operation({
    method: 'POST',
    path: '/vpn-services/{vpn}/ha/switch',
    role: 'operator',
    scope: 'project',
    summary: 'Give the address to the other device, with traffic flowing.',
    input: z.strictObject(vpnRef),
    output: haPair,
  }),
  'ha.disable': operation({
    method: 'DELETE',
    path: '/vpn-services/{vpn}/ha',
    role: 'admin',
    scope: 'project',
    summary: 'Take the address away; the VPN service runs on its node alone again.',
    input: z.strictObject(vpnRef),
    output: untold,
  }),
  'ha.history': operation({
    method: 'GET',
    path: '/vpn-services/{vpn}/ha/history',
    role: 'viewer',
    scope: 'project',
    summary: 'List when the address changed hands, newest first.',
    input: z.strictObject({ ...vpnRef, limit: queryInteger(1, 1_000).default(100) }),
    output: z.array(haHistoryEntry),
  }),
};
