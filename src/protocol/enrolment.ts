/**
 * What agent and engine say over HTTPS before and beside the channel, all below /agent/v1.
 *
 *   POST /agent/v1/enroll/request    code, key, machine → request id            (TLS with pin, no client certificate)
 *   POST /agent/v1/enroll/poll       request id, secret → waiting, or the nonce once approved
 *   POST /agent/v1/enroll/complete   signature over nonce and TLS exporter → certificate, tokens, signing key
 *   POST /agent/v1/token/refresh     refresh token → new pair                    (mutual TLS + DPoP)
 *   POST /agent/v1/certificate/renew → new certificate                           (mutual TLS + DPoP-bound access token)
 *   GET  /agent/v1/channel           WebSocket                                   (mutual TLS + DPoP-bound access token)
 */
import { z } from 'zod';
import { agentContext, bytes32, bytes64, guid, machineText, timestamp } from './scalars.ts';

export const AGENT_PATHS = {
  request: '/agent/v1/enroll/request',
  poll: '/agent/v1/enroll/poll',
  complete: '/agent/v1/enroll/complete',
  refresh: '/agent/v1/token/refresh',
  renew: '/agent/v1/certificate/renew',
  channel: '/agent/v1/channel',
} as const;

/** Name that the engine's certificate always carries, whatever address the agent dials. */
export const ENGINE_SERVER_NAME = 'borealis-engine';

/**
 * The `htu` of a DPoP proof (RFC 9449 §4.2). It names the engine by the name in its certificate, not by the address
 * that was dialled, so that a proof is good behind any forwarding and for no other service.
 */
export const proofUrl = (path: string): string => `https://${ENGINE_SERVER_NAME}${path}`;

export const enrolRequest = z.strictObject({
  code: z.string().min(1).max(64),
  public_key: bytes32,
  context: agentContext,
  hostname: machineText,
  /** SHA-256, hex, of what identifies the machine. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  os: machineText.max(64),
  arch: machineText.max(32),
  agent_version: machineText.max(64),
  /** Fresh per request, so that a recorded request is of no use. */
  nonce: bytes32,
});
export type EnrolRequest = z.infer<typeof enrolRequest>;
export const enrolRequested = z.strictObject({
  request_id: z.string(),
  /** Proves to `poll` and `complete` that the asker is the one who made the request. */
  request_secret: bytes32,
  /** First characters of it are what the operator sees: compare. */
  key_fingerprint: z.string(),
  expires_at: timestamp,
  poll_after_ms: z.number().int().min(100).max(60_000),
});

export const enrolPoll = z.strictObject({ request_id: z.string().min(1).max(64), request_secret: bytes32 });
export const enrolPolled = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('waiting'), poll_after_ms: z.number().int() }),
  z.strictObject({ state: z.literal('denied'), reason: z.string().nullable() }),
  z.strictObject({ state: z.literal('expired') }),
  /** Approved: the single-use nonce to sign, new for each poll. */
  z.strictObject({ state: z.literal('approved'), nonce: bytes32 }),
]);

export const enrolComplete = z.strictObject({
  request_id: z.string().min(1).max(64),
  request_secret: bytes32,
  nonce: bytes32,
  /** Over `enrolmentProofMessage` (crypto/enrolment-proof.ts), which holds the TLS exporter of this connection. */
  signature: bytes64,
});
export const tokens = z.strictObject({
  access_token: z.string().max(4_096),
  /** Seconds. */
  expires_in: z.number().int(),
  refresh_token: bytes32,
  refresh_expires_at: timestamp,
});
export const enrolled = z.strictObject({
  guid,
  name: z.string(),
  context: agentContext,
  certificate: z.string().max(8_192),
  authority: z.string().max(8_192),
  /** Ed25519 public key with which the engine signs commands, and its id. */
  signing_key: bytes32,
  signing_key_id: z.string().max(64),
  ...tokens.shape,
});
export type Enrolled = z.infer<typeof enrolled>;

export const refreshRequest = z.strictObject({ refresh_token: bytes32 });
export const renewRequest = z.strictObject({});
export const renewed = z.strictObject({ certificate: z.string().max(8_192) });
