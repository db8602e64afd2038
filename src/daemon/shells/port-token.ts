/** Tokens for the agent's port: signed here, good for one connection within a minute, given to nobody who does not need one. */
import { randomBytes } from 'node:crypto';
import { nodeEd25519 } from '../../crypto/ed25519.ts';
import { sealEnvelope } from '../../crypto/envelope.ts';
import { AGENT_PORT_TYPE, type AgentPortClaims } from '../../protocol/agent-port.ts';
import { agentTarget } from '../../protocol/command.ts';
import type { Clock } from '../../sys/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { TunnelSession } from '../tunnels/tunnels.ts';

const LIFE_SECONDS = 60;

type Addressed = 'tunnel_id' | 'nonce' | 'iat' | 'exp' | 'agent_targets' | 'actor';
type WithoutAddress<T> = T extends unknown ? Omit<T, Addressed> : never;
/** What a connection is for. */
export type PortPurpose = WithoutAddress<AgentPortClaims>;

export interface PortTokens {
  /** Compact JWS. `actor`: the operator on whose behalf, or `engine`. */
  mint(session: Pick<TunnelSession, 'guid' | 'tunnelId'>, actor: string, purpose: PortPurpose): string;
}

export const portTokens = (keys: Pick<KeyRing, 'signingKey'>, clock: Clock): PortTokens => ({
  mint: ({ guid, tunnelId }, actor, purpose) => {
    const now = Math.floor(clock.now() / 1000);
    const claims = {
      ...purpose,
      tunnel_id: tunnelId,
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + LIFE_SECONDS,
      agent_targets: [agentTarget(guid, 'system')],
      actor,
    } satisfies AgentPortClaims;
    const { seed, keyId } = keys.signingKey();
    return sealEnvelope(claims, { seed, kid: keyId, typ: AGENT_PORT_TYPE }, nodeEd25519);
  },
});
