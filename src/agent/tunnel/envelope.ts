/** Whether a word about the tunnel is the engine's, for this agent, in force now. Replay is seen-tokens.ts's question. */
import { EnvelopeError, openEnvelope } from '../../crypto/envelope.ts';
import { agentTarget } from '../../protocol/command.ts';
import { BorealisError, type ErrorCode } from '../../protocol/errors.ts';
import { TUNNEL_TYPE, type TunnelClaims, tunnelClaims } from '../../protocol/tunnel-session.ts';
import type { CommandTrust } from '../verify.ts';

const MAX_BYTES = 65_536;
/** The engine's clock may be this far ahead of ours. Expiry has no such grace. */
const ISSUED_SKEW_SECONDS = 60;
const LIFE_MAX_SECONDS = 60;

/** `nowMs`: milliseconds since 1970. Errors: INVALID_SIGNATURE, SCHEMA_MISMATCH, NOT_ADDRESSED, EXPIRED_TOKEN. */
export function verifyTunnel(envelope: string, trust: CommandTrust, nowMs: number): TunnelClaims {
  const parsed = tunnelClaims.safeParse(open(envelope, trust));
  if (!parsed.success) throw refusal('SCHEMA_MISMATCH', 'It has another form than the word about a tunnel.');
  const claims = parsed.data;
  if (claims.agent_targets[0] !== agentTarget(trust.guid, trust.context))
    throw refusal('NOT_ADDRESSED', 'The word about a tunnel names another device or context.');
  const seconds = nowMs / 1_000;
  // Written so that a clock that is not a number refuses as well.
  if (!(claims.exp > seconds)) throw refusal('EXPIRED_TOKEN', 'The word about a tunnel has expired.');
  if (!(claims.iat <= seconds + ISSUED_SKEW_SECONDS))
    throw refusal('EXPIRED_TOKEN', "It was issued in this device's future: check its clock.");
  if (!(claims.iat <= claims.exp && claims.exp - claims.iat <= LIFE_MAX_SECONDS))
    throw refusal('SCHEMA_MISMATCH', 'It lives longer than it may.');
  return claims;
}

function open(envelope: string, { signingKey, signingKeyId, ed }: CommandTrust): unknown {
  const keyFor = (kid: string) => (kid === signingKeyId ? signingKey : undefined);
  try {
    return openEnvelope(envelope, { keyFor, typ: TUNNEL_TYPE, maxBytes: MAX_BYTES }, ed).claims;
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw refusal('INVALID_SIGNATURE', 'It is that of a word about a tunnel.');
  }
}

const refusal = (code: ErrorCode, detail: string): BorealisError => new BorealisError(code, { detail });
