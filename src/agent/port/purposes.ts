/** What a connection to the agent's port may be for, and who serves it. */
import type { AgentPortClaims } from '../../protocol/agent-port.ts';
import type { PortConnection } from './connection.ts';

export type Purpose = AgentPortClaims['purpose'];
export type ClaimsOf<P extends Purpose> = Extract<AgentPortClaims, { purpose: P }>;

/**
 * Serves one connection whose token is good and was never seen before. Reads with `connection.receive` or
 * `connection.frames`, from what follows the token on. When it resolves, what was sent goes out and the connection ends;
 * when it rejects with a BorealisError, that is sent as REFUSED first.
 */
export type PurposeHandler<P extends Purpose> = (
  claims: ClaimsOf<P>,
  connection: PortConnection,
) => Promise<void>;

/** A purpose without an entry is refused: UNKNOWN_VERB. */
export type Purposes = { readonly [P in Purpose]?: PurposeHandler<P> };

export function handlerFor(purposes: Purposes, claims: AgentPortClaims) {
  const handler = purposes[claims.purpose] as PurposeHandler<Purpose> | undefined;
  return handler && ((connection: PortConnection) => handler(claims, connection));
}
