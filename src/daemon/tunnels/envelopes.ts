/** What devices are told of tunnels, signed: nothing else makes an agent open one (protocol/tunnel-session.ts). */
import { randomBytes } from 'node:crypto';
import { nodeEd25519 } from '../../crypto/ed25519.ts';
import { sealEnvelope } from '../../crypto/envelope.ts';
import { agentTarget } from '../../protocol/command.ts';
import { TUNNEL_TYPE, type TunnelClaims } from '../../protocol/tunnel-session.ts';
import type { Clock } from '../../sys/clock.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { portOf, type Session } from './session.ts';

/** That an envelope may be acted on. */
const LIFE_SECONDS = 60;
/** That a device keeps a tunnel of which it hears nothing more. */
export const LEASE_SECONDS = 3_600;

export interface EngineFacts {
  readonly publicKey: string;
  readonly address: string;
  readonly port: number;
}

type Addressed = Pick<Session, 'guid' | 'tunnelId'>;

export const tunnelEnvelopes = (keys: Pick<KeyRing, 'signingKey'>, clock: Clock) => {
  const seal = (claims: object, { guid, tunnelId }: Addressed): string => {
    const now = Math.floor(clock.now() / 1000);
    const { seed, keyId } = keys.signingKey();
    const whole = {
      ...claims,
      tunnel_id: tunnelId,
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + LIFE_SECONDS,
      agent_targets: [agentTarget(guid, 'system')],
    } as TunnelClaims;
    return sealEnvelope(whole, { seed, kid: keyId, typ: TUNNEL_TYPE }, nodeEd25519);
  };
  return {
    open: (session: Session, engine: EngineFacts): string =>
      seal(
        {
          action: 'open',
          engine_key: engine.publicKey,
          engine_address: engine.address,
          device_address: session.address,
          // The host by which the device reaches the engine already.
          endpoint: { host: null, port: engine.port },
          allowed_ports: session.ports.map(portOf),
          lease_seconds: LEASE_SECONDS,
        },
        session,
      ),
    close: (which: Addressed): string => seal({ action: 'close' }, which),
  };
};
