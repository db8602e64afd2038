/**
 * An engine that has turned against its agents: a double with the keys of a real engine, which has ended, at its
 * address. To an agent that enrolled there it is the engine; what it then says is the test's.
 */
import { readFileSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { parseHostPort } from '../../src/config/settings.ts';
import { type AuthorityPems, loadAuthority } from '../../src/crypto/ca.ts';
import { publicKeyOf } from '../../src/crypto/ed25519.ts';
import { pemToSeed } from '../../src/crypto/keys.ts';
import { unseal } from '../../src/crypto/sealed.ts';
import { EngineDouble, type Enrolled, type Peer } from '../agent/engine-double.ts';
import type { Place } from './processes.ts';

export interface Turned {
  readonly engine: EngineDouble;
  /** The agent, as the engine knows it, to address and verify. */
  readonly device: Enrolled;
}

/** The engine of `place` must have ended; `address` is where it served agents, `name` an agent's state. */
export const turnedEngine = async (place: Place, address: string, name: string): Promise<Turned> => {
  const membership = JSON.parse(readFileSync(place.path(name, 'system', 'membership.json'), 'utf8')) as {
    guid: string;
    certificate: string;
    signing_key_id: string;
  };
  const masterKey = readFileSync(place.path('engine', 'master.key'));
  const store = new BetterSqlite3(place.path('engine', 'borealis.db'), { readonly: true });
  const secret = (name: string): Buffer => {
    const { sealed } = store.prepare('select sealed from secret where name = ?').get(name) as {
      sealed: Buffer;
    };
    return unseal(masterKey, name, sealed);
  };
  const authority = await loadAuthority(JSON.parse(secret('authority').toString('utf8')) as AuthorityPems);
  const seed = secret('signing-key');
  store.close();
  const signing = { seed, publicKey: publicKeyOf(seed), keyId: membership.signing_key_id };
  const engine = await EngineDouble.start({ authority, signing, port: parseHostPort(address).port });
  const agentSeed = pemToSeed(readFileSync(place.path(name, 'system', 'identity.pem'), 'utf8'));
  const { guid, certificate } = membership;
  const publicKey = publicKeyOf(agentSeed);
  return { engine, device: { guid, context: 'system', seed: agentSeed, publicKey, certificate } };
};

/** The agent's first channel, once all that it says of itself has come. */
export const connectedPeer = async ({ engine }: Turned): Promise<Peer> => {
  const peer = await engine.peer();
  await peer.frame('TELEMETRY');
  return peer;
};
