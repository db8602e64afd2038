/** The key with which the engine of a place signs, out of its store: for tests that say what only the engine may say. */
import { readFileSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import { publicKeyOf } from '../../src/crypto/ed25519.ts';
import { unseal } from '../../src/crypto/sealed.ts';
import type { Place } from './processes.ts';

/** Unsealed secrets of the engine's store, by name. */
export const engineSecret = (place: Place, name: string): Buffer => {
  const masterKey = readFileSync(place.path('engine', 'master.key'));
  const store = new BetterSqlite3(place.path('engine', 'borealis.db'), { readonly: true });
  try {
    const { sealed } = store.prepare('select sealed from secret where name = ?').get(name) as {
      sealed: Buffer;
    };
    return unseal(masterKey, name, sealed);
  } finally {
    store.close();
  }
};

export interface Membership {
  readonly guid: string;
  readonly certificate: string;
  readonly signing_key_id: string;
}

/** What an agent, whose state lies below `name`, keeps of its enrolment. */
export const membershipOf = (place: Place, name: string): Membership =>
  JSON.parse(readFileSync(place.path(name, 'system', 'membership.json'), 'utf8')) as Membership;

export const signingKey = (place: Place, name: string) => {
  const seed = engineSecret(place, 'signing-key');
  return { seed, publicKey: publicKeyOf(seed), keyId: membershipOf(place, name).signing_key_id };
};
