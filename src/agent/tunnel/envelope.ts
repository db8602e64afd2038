/** A word about the tunnel (protocol/tunnel-session.ts). */
import { TUNNEL_TYPE, type TunnelClaims, tunnelClaims } from '../../protocol/tunnel-session.ts';
import type { CommandTrust } from '../verify.ts';
import { verifyWord } from '../word.ts';

const KIND = {
  typ: TUNNEL_TYPE,
  schema: tunnelClaims,
  maxBytes: 65_536,
  what: 'the word about a tunnel',
} as const;

/** `nowMs`: milliseconds since 1970. Errors: those of `verifyWord`. */
export const verifyTunnel = (envelope: string, trust: CommandTrust, nowMs: number): TunnelClaims =>
  verifyWord(envelope, KIND, trust, nowMs);
