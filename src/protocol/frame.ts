/**
 * Frames of the agent channel: one JSON object a WebSocket text message, at most FRAME_MAX_BYTES, `type` first.
 * Anything else (binary, unknown type, extra key, not JSON, too large) closes the channel with the code given.
 */
import { z } from 'zod';
import {
  bastionFrame,
  bastionPeersFrame,
  bastionSeenFrame,
  bastionStateFrame,
  bastionSwitchesFrame,
  bastionVoteFrame,
} from './bastion.ts';
import { correlationId } from './command.ts';
import { inventory } from './device.ts';
import { agentContext, guid, machineText, timestamp } from './scalars.ts';
import { telemetrySample } from './telemetry.ts';
import { tunnelFrame, tunnelStateFrame, wireguardKey } from './tunnel-session.ts';

export const FRAME_MAX_BYTES = 1_048_576;
export const CHANNEL_PROTOCOL = 'borealis-agent-1';
export const HEARTBEAT_MS = 15_000;
export const TELEMETRY_MS = 30_000;
/** The engine holds a device offline when nothing was heard for this long: three heartbeats, less a margin. */
export const OFFLINE_AFTER_MS = 40_000;

/** WebSocket close codes of ours (RFC 6455 §7.4.2 leaves 4000-4999 to applications). */
export const CLOSE = {
  malformed: 4400,
  unauthorised: 4401,
  forbidden: 4403,
  superseded: 4409,
  tooFast: 4429,
  goingAway: 1001,
  tooLarge: 1009,
  clean: 1000,
} as const;

// Agent → engine
export const hello = z.strictObject({
  type: z.literal('HELLO'),
  guid,
  context: agentContext,
  agent_version: machineText.max(64),
  hostname: machineText,
  os: machineText.max(64),
  arch: machineText.max(32),
  /** Clock of the device, for skew. */
  now: timestamp,
  verbs: z.array(z.string().max(64)).max(256),
  /** Of the device's end of tunnels, so that the engine can prepare its own at once; absent where it makes none. */
  wireguard_key: wireguardKey.optional(),
  /** It can host VPN services; absent where it cannot. */
  bastion: z.literal(true).optional(),
});
export const ping = z.strictObject({ type: z.literal('PING'), t: z.number() });
export const pong = z.strictObject({ type: z.literal('PONG'), t: z.number() });
/** The command is on the agent's disk: the engine need not send it again on this channel. */
export const accepted = z.strictObject({ type: z.literal('ACCEPTED'), corr_id: correlationId });
/** Output as it is made; for watchers. What counts is in the result. `seq` from 0 for each corr_id. */
export const output = z.strictObject({
  type: z.literal('OUTPUT'),
  corr_id: correlationId,
  seq: z.number().int().min(0),
  stream: z.enum(['stdout', 'stderr']),
  data: z.string().max(65_536),
});
/** Compact JWS over resultClaims by the agent's identity key. Sent until acknowledged by RESULT_ACK. */
export const result = z.strictObject({
  type: z.literal('RESULT'),
  corr_id: correlationId,
  envelope: z.string(),
});
export const telemetry = z.strictObject({ type: z.literal('TELEMETRY'), sample: telemetrySample });
export const inventoryFrame = z.strictObject({ type: z.literal('INVENTORY'), inventory });
/** Something the agent found worth telling: a refused signature, a renewed certificate, a stop. */
export const agentEvent = z.strictObject({
  type: z.literal('EVENT'),
  kind: z.enum(['signature_refused', 'replay_refused', 'stopping', 'started', 'notice']),
  message: z.string().max(2_000),
  corr_id: correlationId.nullable(),
});
export const fromAgent = z.discriminatedUnion('type', [
  hello,
  ping,
  pong,
  accepted,
  output,
  result,
  telemetry,
  inventoryFrame,
  agentEvent,
  tunnelStateFrame,
  bastionStateFrame,
  bastionPeersFrame,
  bastionSwitchesFrame,
  bastionVoteFrame,
]);
export type FromAgent = z.infer<typeof fromAgent>;

// Engine → agent
export const welcome = z.strictObject({
  type: z.literal('WELCOME'),
  engine_version: z.string().max(64),
  now: timestamp,
  heartbeat_ms: z.number().int().min(1_000).max(300_000),
  telemetry_ms: z.number().int().min(1_000).max(3_600_000),
});
/** Compact JWS over commandClaims by the engine's signing key. */
export const command = z.strictObject({ type: z.literal('COMMAND'), envelope: z.string() });
export const resultAck = z.strictObject({ type: z.literal('RESULT_ACK'), corr_id: correlationId });
/** Signed like a command (verb `cancel_command`, args {corr_id}); kept apart so that it passes a full queue. */
export const cancel = z.strictObject({ type: z.literal('CANCEL'), envelope: z.string() });
export const toAgent = z.discriminatedUnion('type', [
  welcome,
  ping,
  pong,
  command,
  resultAck,
  cancel,
  tunnelFrame,
  bastionFrame,
  bastionSeenFrame,
  bastionVoteFrame,
]);
export type ToAgent = z.infer<typeof toAgent>;
