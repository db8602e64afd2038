/**
 * What engine and agent say to each other of a tunnel. On the agent channel: a TUNNEL frame with an envelope signed by
 * the engine (TUNNEL_TYPE over tunnelClaims), answered by TUNNEL_STATE. Keys: X25519, base64 with padding, as `wg` writes.
 */
import { z } from 'zod';
import { bytes32 } from './scalars.ts';
import { tunnelTransport } from './tunnel.ts';

export const TUNNEL_TYPE = 'borealis-tunnel+jws';
/** The relay: WireGuard packets in binary WebSocket messages, when UDP is blocked. Authenticated like the channel. */
export const RELAY_PATH = '/agent/v1/relay';
export const RELAY_PROTOCOL = 'borealis-relay-1';
/** A message of the relay is packets one after another, each after its length (2 bytes, big endian). */
export const RELAY_MESSAGE_MAX = 65_536;

export const wireguardKey = z
  .string()
  .regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'must be a key of WireGuard: 44 characters of base64');
/**
 * The first message of a relay, the engine's, as text. `probe_key`: an X25519 private key that the engine has made for
 * this relay; its WireGuard answers handshakes with it, and gives it nothing else, for as long as the relay is open.
 */
export const relayHello = z.strictObject({ type: z.literal('RELAY'), probe_key: wireguardKey });
export type RelayHello = z.infer<typeof relayHello>;
export const tunnelId = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/);
const numericDate = z.number().int().min(0).max(4_102_444_800);

const addressed = {
  tunnel_id: tunnelId,
  nonce: bytes32,
  iat: numericDate,
  /** Until when the envelope may be acted on: a minute, not the life of the tunnel. */
  exp: numericDate,
  agent_targets: z.array(z.string().max(64)).min(1).max(1),
};
export const allowedPort = z.strictObject({
  protocol: z.enum(['tcp', 'udp']),
  port: z.number().int().min(1).max(65_535),
});
export type AllowedPort = z.infer<typeof allowedPort>;

export const tunnelClaims = z.discriminatedUnion('action', [
  /** Bring it up, or make a live tunnel like this without dropping it. */
  z.strictObject({
    action: z.literal('open'),
    ...addressed,
    engine_key: wireguardKey,
    engine_address: z.ipv4(),
    device_address: z.ipv4(),
    /** Host and UDP port of the engine's WireGuard; a null host is the one that the channel is connected to. */
    endpoint: z.strictObject({
      host: z.string().max(253).nullable(),
      port: z.number().int().min(1).max(65_535),
    }),
    allowed_ports: z.array(allowedPort).max(257),
    /** Seconds that the device keeps the tunnel without hearing another `open`: an engine that is gone for good leaves nothing open. */
    lease_seconds: z.number().int().min(60).max(604_800),
  }),
  z.strictObject({ action: z.literal('close'), ...addressed }),
]);
export type TunnelClaims = z.infer<typeof tunnelClaims>;
export type TunnelOpen = Extract<TunnelClaims, { action: 'open' }>;

// Frames (joined to frame.ts)
export const tunnelFrame = z.strictObject({ type: z.literal('TUNNEL'), envelope: z.string().max(65_536) });
/** Sent for each change, and as the answer to each TUNNEL. `up`: the interface stands; packets are the engine's to see. */
export const tunnelStateFrame = z.strictObject({
  type: z.literal('TUNNEL_STATE'),
  tunnel_id: tunnelId,
  state: z.enum(['up', 'down', 'failed']),
  /** The device's, kept for its life; null where it could not be made. */
  public_key: wireguardKey.nullable(),
  transport: tunnelTransport,
  /** From protocol/errors.ts, where it failed or was refused. */
  error_code: z.string().max(64).nullable(),
  error: z.string().max(2_000).nullable(),
});
export type TunnelStateFrame = z.infer<typeof tunnelStateFrame>;
