/**
 * node:crypto's Ed25519 with the private keys of a whole fleet at hand. The real agent has one key; the cache of
 * src/crypto, made for one engine, would make ten thousand anew again and again, and the bench would measure that.
 */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { type Ed25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { seedToPkcs8 } from '../../src/crypto/keys-der.ts';

/** By the seed object itself: each agent holds its own. */
const keys = new WeakMap<Uint8Array, KeyObject>();

const keyOf = (seed: Uint8Array): KeyObject => {
  const kept = keys.get(seed);
  if (kept) return kept;
  const made = createPrivateKey({ key: seedToPkcs8(seed), format: 'der', type: 'pkcs8' });
  keys.set(seed, made);
  return made;
};

export const keptKeys: Ed25519 = {
  sign: (message, seed) => sign(null, message, keyOf(seed)),
  verify: nodeEd25519.verify,
};
