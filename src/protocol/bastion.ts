/**
 * What engine and agent say to each other of a VPN service that runs on a device. On the agent channel: a BASTION frame
 * with an envelope signed by the engine (BASTION_TYPE over bastionClaims), answered by BASTION_STATE. The state of a
 * service is told whole; one that is large comes in parts, in order, under one revision. To a device that has said exactly
 * what it holds, what a few clients change is told alone.
 */
import { z } from 'zod';
import { bytes32, guid, timestamp } from './scalars.ts';
import { wireguardKey } from './tunnel-session.ts';

export const BASTION_TYPE = 'borealis-bastion+jws';
/** Characters of a part; with its envelope it stays below FRAME_MAX_BYTES. */
export const BASTION_PART_MAX = 500_000;
export const BASTION_PARTS_MAX = 64;
/** Clients of a difference; more are told with the whole. */
export const BASTION_AMENDED_MAX = 256;

export const serviceId = z.string().regex(/^[a-z2-7]{12}$/);
const numericDate = z.number().int().min(0).max(4_102_444_800);
const revision = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
const [ipv4, ipv6] = [z.ipv4(), z.ipv6()];
/** `192.0.2.1:51820`, `[2001:db8::1]:51820`. */
export const socketAddress = z
  .string()
  .max(64)
  .regex(/^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\]):[1-9]\d{0,4}$/)
  // What is none would be refused by WireGuard, with all that it is told together with it.
  .refine((text) => {
    const colon = text.lastIndexOf(':');
    const host = text.slice(0, colon);
    const address = host.startsWith('[') ? ipv6.safeParse(host.slice(1, -1)) : ipv4.safeParse(host);
    return address.success && Number(text.slice(colon + 1)) <= 65_535;
  }, 'must be ADDRESS:PORT');

const addressed = {
  service: serviceId,
  nonce: bytes32,
  iat: numericDate,
  /** Until when the envelope may be acted on: a minute, not the life of the service. */
  exp: numericDate,
  agent_targets: z.array(z.string().max(64)).min(1).max(1),
};

/** What a gateway has because of one client (wg/types.ts); the wg room checks it when it is applied. */
export const hostedClient = z.strictObject({
  peer: z.looseObject({ publicKey: wireguardKey }),
  open: z.array(z.string().max(64)),
  restricted: z.array(z.looseObject({ sources: z.array(z.string().max(64)).min(1) })),
});
export type HostedClient = z.infer<typeof hostedClient>;

/** A state of a service: `digest` is that of all of it (crypto/service-digest.ts). */
const stateRef = z.strictObject({ revision, digest: bytes32 });

/** What leads from one state to the next. A client that is another than before goes and comes. */
export const hostedChange = z.strictObject({
  from: stateRef,
  to: stateRef,
  gone: z.array(hostedClient).max(BASTION_AMENDED_MAX),
  come: z.array(hostedClient).max(BASTION_AMENDED_MAX),
});
export type HostedChange = z.infer<typeof hostedChange>;

export const bastionClaims = z.discriminatedUnion('action', [
  /** Be like this from now on, also after a restart and without the engine. */
  z.strictObject({
    action: z.literal('hold'),
    ...addressed,
    revision,
    part: z.number().int().min(0),
    parts: z.number().int().min(1).max(BASTION_PARTS_MAX),
    /** Base64url of a part of gzip(JSON of hostedService). */
    body: z.string().max(BASTION_PART_MAX),
  }),
  /** It is of no use to a device that has anything else than `from`: then that asks for the whole (BASTION_STATE). */
  z.strictObject({ action: z.literal('amend'), ...addressed, ...hostedChange.shape }),
  z.strictObject({ action: z.literal('drop'), ...addressed }),
  /** Whoever has the floating address gives it to the other one. */
  z.strictObject({ action: z.literal('switch'), ...addressed, id: z.string().max(64) }),
]);
export type BastionClaims = z.infer<typeof bastionClaims>;

/** A voter's times (ha/voter.ts); the same on all three. */
export const leaseTimes = z.strictObject({
  promise: z.number().int().min(1_000).max(60_000),
  renew: z.number().int().min(50).max(20_000),
  drift: z.number().min(0).max(0.01),
  kernelLate: z.number().int().min(20).max(1_000),
});

export const haDriver = z.enum(['own', 'keepalived', 'hook']);
export type HaDriver = z.infer<typeof haDriver>;

/** One node's part in a pair. */
export const hostedHa = z.strictObject({
  /** With the prefix length of its network: `192.0.2.10/24`. */
  address: z.union([z.cidrv4(), z.cidrv6()]),
  /** The interface that gets it; null: the one that is in its network. */
  interface: z.string().max(15).nullable(),
  self: guid,
  other: guid,
  /** Where the other node hears votes; null until it has told. */
  other_endpoint: socketAddress.nullable(),
  /** UDP, of this node, for votes. */
  port: z.number().int().min(1).max(65_535),
  /** 32 bytes, base64url: what the two say to each other is sealed with it. */
  key: bytes32,
  /** The first to have it when nobody has. */
  preferred: z.boolean(),
  lease: leaseTimes,
  driver: haDriver,
  /** Absolute path, on the node, of the executable of the driver `hook`. */
  hook: z.string().max(1_024).nullable(),
  /** Of VRRP, for the driver `keepalived`. */
  router_id: z.number().int().min(1).max(255),
});
export type HostedHa = z.infer<typeof hostedHa>;

/** What a device is to be for one service: all of it. Private keys are in it; it is never logged. */
export const hostedService = z.strictObject({
  id: serviceId,
  name: z.string().max(32),
  /** Wanted by the wg room, which checks it when it is applied: one interface and a gateway's firewall. */
  network: z.strictObject({
    interfaces: z.array(z.looseObject({ name: z.string().max(15), privateKey: wireguardKey })).length(1),
    firewall: z.looseObject({ name: z.string().max(15) }),
  }),
  /** Of packets that are to be passed on. */
  families: z.array(z.union([z.literal(4), z.literal(6)])).max(2),
  ha: hostedHa.nullable(),
});
export type HostedService = z.infer<typeof hostedService>;

// The floating address

/** From ha/node.ts. */
export const voteMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ask'), question: z.number().int().min(0), firm: z.boolean() }),
  z.strictObject({
    kind: z.literal('answer'),
    question: z.number().int().min(0),
    firm: z.boolean(),
    granted: z.boolean(),
    holder: z.string().max(128).nullable(),
  }),
  z.strictObject({ kind: z.literal('release'), question: z.number().int().min(0) }),
]);

/** A process of a node: another one knows nothing of what this one asked. */
export const candidate = z.string().regex(/^[0-9a-f-]{36}\/[A-Za-z0-9_-]{8,32}$/);

export const switchReason = z.enum([
  /** Nobody had it before. */
  'first',
  /** An operator asked, or a fail-back. */
  'planned',
  /** The holder's agent stopped in order. */
  'stopped',
  /** The holder was heard no more, and its lease ran out. */
  'lost',
]);
export type SwitchReason = z.infer<typeof switchReason>;

/** The address came to a node; that node tells. */
export const haSwitch = z.strictObject({
  id: z.string().max(64),
  at: timestamp,
  reason: switchReason,
  /** Null where nobody had it. */
  from: guid.nullable(),
  to: guid,
  /** From the last sign of the holder before until a client was heard again, or until it was announced where there is none. */
  gap_ms: z.number().int().min(0).nullable(),
  /** Clients that had a session with the holder before; those that have one again when this is told. */
  clients: z.number().int().min(0),
  back: z.number().int().min(0),
});
export type HaSwitch = z.infer<typeof haSwitch>;

export const hostedHaState = z.strictObject({
  /** `conflict`: a stranger has the address. `behind`: what the other holds is not here yet. */
  role: z.enum(['holder', 'standby', 'conflict', 'behind', 'failed']),
  /** Where this node hears votes. */
  endpoint: socketAddress.nullable(),
  /** Whether the other node was heard in the last seconds. */
  other_heard: z.boolean(),
  /** Peers whose endpoint is known here. */
  endpoints: z.number().int().min(0),
  /**
   * Seconds by which this node's clock is behind the other's. For so long after a takeover clients refuse its handshakes:
   * they take none that has an earlier time than the last (WireGuard §5.1).
   */
  clock_behind: z.number().int().min(0),
  /** Who has the address, with what hardware address, where that is a stranger. */
  stranger: z.string().max(64).nullable(),
});
export type HostedHaState = z.infer<typeof hostedHaState>;

// Frames (joined to frame.ts)
export const bastionFrame = z.strictObject({
  type: z.literal('BASTION'),
  envelope: z.string().max(1_000_000),
});
/** What was told has been kept; it need not be told again. */
export const bastionSeenFrame = z.strictObject({
  type: z.literal('BASTION_SEEN'),
  service: serviceId,
  ids: z.array(z.string().max(64)).max(256),
});
/** For each change, as the answer to each BASTION, and for each service when a channel opens. */
export const bastionStateFrame = z.strictObject({
  type: z.literal('BASTION_STATE'),
  service: serviceId,
  /** That is in force; 0: none. */
  revision: z.number().int().min(0),
  state: z.enum(['up', 'failed', 'gone']),
  error_code: z.string().max(64).nullable(),
  error: z.string().max(2_000).nullable(),
  ha: hostedHaState.nullable(),
  /** Of what it keeps; absent where that is nothing. */
  digest: bytes32.optional(),
  /** It was told a change of something else than what it keeps. */
  wants_whole: z.literal(true).optional(),
});
export type BastionStateFrame = z.infer<typeof bastionStateFrame>;
export const BASTION_PEERS_MAX = 2_000;
/** Peers of which something has changed since it was told; all of them when a channel opens. */
export const bastionPeersFrame = z.strictObject({
  type: z.literal('BASTION_PEERS'),
  service: serviceId,
  /** Whose numbers these are: counters of another process of WireGuard begin anew. */
  peers: z
    .array(
      z.strictObject({
        public_key: wireguardKey,
        endpoint: socketAddress.nullable(),
        /** Unix seconds. */
        last_handshake: z.number().int().min(0).nullable(),
        received: z.number().int().min(0),
        sent: z.number().int().min(0),
      }),
    )
    .max(BASTION_PEERS_MAX),
});
export type BastionPeersFrame = z.infer<typeof bastionPeersFrame>;
/** Until BASTION_SEEN has come for them; kept over restarts. */
export const bastionSwitchesFrame = z.strictObject({
  type: z.literal('BASTION_SWITCHES'),
  service: serviceId,
  /** By the clock that the switches have their times from, which may be another than the engine's; older agents do not tell. */
  now: timestamp.optional(),
  switches: z.array(haSwitch).max(64),
});
export type BastionSwitchesFrame = z.infer<typeof bastionSwitchesFrame>;
/** Both ways: a node asks the engine, which is the third voter. */
export const bastionVoteFrame = z.strictObject({
  type: z.literal('BASTION_VOTE'),
  service: serviceId,
  from: candidate.or(z.literal('witness')),
  message: voteMessage,
});
