/**
 * An engine that has turned against its agents: a double with the keys of a real engine, which has ended, at its
 * address. To an agent that enrolled there it is the engine; what it then says is the test's.
 */
import { readFileSync } from 'node:fs';
import { parseHostPort } from '../../src/config/settings.ts';
import { type AuthorityPems, loadAuthority } from '../../src/crypto/ca.ts';
import { publicKeyOf } from '../../src/crypto/ed25519.ts';
import { pemToSeed } from '../../src/crypto/keys.ts';
import { EngineDouble, type Enrolled, type Peer } from '../agent/engine-double.ts';
import { engineSecret, membershipOf, signingKey } from './engine-keys.ts';
import type { Place } from './processes.ts';

export interface Turned {
  readonly engine: EngineDouble;
  /** The agent, as the engine knows it, to address and verify. */
  readonly device: Enrolled;
}

/** The engine of `place` must have ended; `address` is where it served agents, `name` an agent's state. */
export const turnedEngine = async (place: Place, address: string, name: string): Promise<Turned> => {
  const pems = JSON.parse(engineSecret(place, 'authority').toString('utf8')) as AuthorityPems;
  const authority = await loadAuthority(pems);
  const signing = signingKey(place, name);
  const engine = await EngineDouble.start({ authority, signing, port: parseHostPort(address).port });
  const agentSeed = pemToSeed(readFileSync(place.path(name, 'system', 'identity.pem'), 'utf8'));
  const { guid, certificate } = membershipOf(place, name);
  const publicKey = publicKeyOf(agentSeed);
  return { engine, device: { guid, context: 'system', seed: agentSeed, publicKey, certificate } };
};

/** The agent's first channel, once all that it says of itself has come. */
export const connectedPeer = async ({ engine }: Turned): Promise<Peer> => {
  const peer = await engine.peer();
  await peer.frame('TELEMETRY');
  return peer;
};
