/** Whether a signed word is the engine's, for this agent, in force now. Replay is seen-tokens.ts's question. */
import type { z } from 'zod';
import { EnvelopeError, type EnvelopeType, openEnvelope } from '../crypto/envelope.ts';
import { agentTarget } from '../protocol/command.ts';
import { BorealisError, type ErrorCode } from '../protocol/errors.ts';
import type { CommandTrust } from './verify.ts';

/** The engine's clock may be this far ahead of ours. Expiry has no such grace. */
const ISSUED_SKEW_SECONDS = 60;
const LIFE_MAX_SECONDS = 60;

export interface Claims {
  readonly iat: number;
  readonly exp: number;
  readonly agent_targets: readonly string[];
}

export interface WordKind<S extends z.ZodType<Claims>> {
  readonly typ: EnvelopeType;
  readonly schema: S;
  /** Longest envelope taken, in characters. */
  readonly maxBytes: number;
  /** In sentences: `the word about a tunnel`. */
  readonly what: string;
}

/** `nowMs`: milliseconds since 1970. Errors: INVALID_SIGNATURE, SCHEMA_MISMATCH, NOT_ADDRESSED, EXPIRED_TOKEN. */
export function verifyWord<S extends z.ZodType<Claims>>(
  envelope: string,
  kind: WordKind<S>,
  trust: CommandTrust,
  nowMs: number,
): z.output<S> {
  const { what } = kind;
  const parsed = kind.schema.safeParse(open(envelope, kind, trust));
  if (!parsed.success) throw refusal('SCHEMA_MISMATCH', `It has another form than ${what}.`);
  const claims = parsed.data;
  const capital = `${what[0]?.toUpperCase()}${what.slice(1)}`;
  if (claims.agent_targets[0] !== agentTarget(trust.guid, trust.context))
    throw refusal('NOT_ADDRESSED', `${capital} names another device or context.`);
  const seconds = nowMs / 1_000;
  // Written so that a clock that is not a number refuses as well.
  if (!(claims.exp > seconds)) throw refusal('EXPIRED_TOKEN', `${capital} has expired.`);
  if (!(claims.iat <= seconds + ISSUED_SKEW_SECONDS))
    throw refusal('EXPIRED_TOKEN', "It was issued in this device's future: check its clock.");
  if (!(claims.iat <= claims.exp && claims.exp - claims.iat <= LIFE_MAX_SECONDS))
    throw refusal('SCHEMA_MISMATCH', 'It lives longer than it may.');
  return claims;
}

function open<S extends z.ZodType<Claims>>(
  envelope: string,
  { typ, maxBytes, what }: WordKind<S>,
  { signingKey, signingKeyId, ed }: CommandTrust,
): unknown {
  const keyFor = (kid: string) => (kid === signingKeyId ? signingKey : undefined);
  try {
    return openEnvelope(envelope, { keyFor, typ, maxBytes }, ed).claims;
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw refusal('INVALID_SIGNATURE', `It is that of ${what.replace(/^the/, 'a')}.`);
  }
}

const refusal = (code: ErrorCode, detail: string): BorealisError => new BorealisError(code, { detail });
