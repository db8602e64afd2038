/** Whether a token opens a connection here and now. Whether it was used before is seen-tokens.ts's question. */
import { EnvelopeError, openEnvelope } from '../../crypto/envelope.ts';
import { AGENT_PORT_TYPE, type AgentPortClaims, agentPortClaims } from '../../protocol/agent-port.ts';
import { agentTarget } from '../../protocol/command.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { CommandTrust } from '../verify.ts';

/** Bytes of the compact JWS. The longest path alone takes 4 KiB, and six times that where it is escaped. */
export const TOKEN_MAX_BYTES = 49_152;
/** The engine's clock may be this far ahead of ours. Expiry has no such grace. */
const ISSUED_SKEW_SECONDS = 60;
const LIFE_MAX_SECONDS = 60;

/**
 * `tunnelId`: of the tunnel that stands. `nowMs`: milliseconds since 1970. Errors: INVALID_SIGNATURE, SCHEMA_MISMATCH,
 * NOT_ADDRESSED, EXPIRED_TOKEN; none quotes anything of what was sent.
 */
export function verifyPortToken(
  token: string,
  trust: CommandTrust,
  tunnelId: string,
  nowMs: number,
): AgentPortClaims {
  const parsed = agentPortClaims.safeParse(open(token, trust));
  if (!parsed.success) throw refusal('SCHEMA_MISMATCH', 'The token has another form.');
  const claims = parsed.data;
  if (claims.agent_targets[0] !== agentTarget(trust.guid, trust.context))
    throw refusal('NOT_ADDRESSED', 'The token names another device or context.');
  if (claims.tunnel_id !== tunnelId) throw refusal('NOT_ADDRESSED', 'The token is for another tunnel.');
  const seconds = nowMs / 1_000;
  // Written so that a clock that is not a number refuses as well.
  if (!(claims.exp > seconds)) throw refusal('EXPIRED_TOKEN', 'Ask for another connection.');
  if (!(claims.iat <= seconds + ISSUED_SKEW_SECONDS))
    throw refusal('EXPIRED_TOKEN', "It was issued in this device's future: check its clock.");
  if (!(claims.iat <= claims.exp && claims.exp - claims.iat <= LIFE_MAX_SECONDS))
    throw refusal('SCHEMA_MISMATCH', 'The token lives longer than it may.');
  return claims;
}

function open(token: string, { signingKey, signingKeyId, ed }: CommandTrust): unknown {
  const keyFor = (kid: string) => (kid === signingKeyId ? signingKey : undefined);
  try {
    return openEnvelope(token, { keyFor, typ: AGENT_PORT_TYPE, maxBytes: TOKEN_MAX_BYTES }, ed).claims;
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw refusal('INVALID_SIGNATURE', 'It is that of the token.');
  }
}

const refusal = (code: ConstructorParameters<typeof BorealisError>[0], detail: string): BorealisError =>
  new BorealisError(code, { detail, next: 'Try again; if it stays, treat it as tampering until explained.' });
