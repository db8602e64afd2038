/**
 * Signed commands (engine → agent) and signed results (agent → engine): the claims inside the JWS (EdDSA, compact)
 * that crypto/envelope.ts seals and opens. Unknown keys are refused on either side.
 */
import { z } from 'zod';
import { bytes32, guid } from './scalars.ts';

export const COMMAND_TYPE = 'borealis-command+jws';
export const RESULT_TYPE = 'borealis-result+jws';
export const SCRIPT_TYPE = 'borealis-script+jws';

export const verbName = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/);
export const correlationId = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/);
/** Seconds since 1970 (RFC 7519 NumericDate). */
const numericDate = z.number().int().min(0).max(4_102_444_800);

export const commandClaims = z.strictObject({
  /** Names this command for this device, for ever: whoever sees it again answers with the same result. */
  corr_id: correlationId,
  verb: verbName,
  args: z.record(z.string(), z.json()),
  /** The operator, for the device's own log. */
  actor: z.string().max(128),
  /** The job that it belongs to. */
  policy_id: z.string().max(64),
  nonce: bytes32,
  iat: numericDate,
  exp: numericDate,
  /** GUID and context of the only agent that may run it, as `guid/context`. */
  agent_targets: z.array(z.string().max(64)).min(1).max(1),
  /** Seconds that it may run. */
  timeout: z.number().int().min(1).max(86_400),
});
export type CommandClaims = z.infer<typeof commandClaims>;
export const agentTarget = (device: string, context: string): string => `${device}/${context}`;

export const resultState = z.enum(['succeeded', 'failed', 'timed_out', 'cancelled', 'refused']);
export const resultClaims = z.strictObject({
  corr_id: correlationId,
  guid,
  state: resultState,
  exit_code: z.number().int().nullable(),
  /** From protocol/errors.ts. */
  error_code: z.string().max(64).nullable(),
  error: z.string().max(2_000).nullable(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.boolean(),
  value: z.json().nullable(),
  started_at: numericDate,
  duration_ms: z.number().int().min(0),
});
export type ResultClaims = z.infer<typeof resultClaims>;

/** Bytes of each output stream that a result keeps: its head and its tail, the middle left out. */
export const OUTPUT_CAP_BYTES = 262_144;

/** What the engine signs when a script is added; sent along with each run, checked again by the agent. */
export const scriptClaims = z.strictObject({
  name: z.string().max(128),
  language: z.string().max(16),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
