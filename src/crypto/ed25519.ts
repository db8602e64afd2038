/**
 * Ed25519 (RFC 8032) behind one function pair, twice: in JavaScript (@noble/ed25519) for identities and the agent, and
 * in OpenSSL (node:crypto) for the engine, which checks thousands a second. They accept and refuse exactly the same
 * signatures: encodings are judged by one rule (ed25519-encoding.ts), and both then check the equation without the
 * cofactor, R = sB - kA. (noble's own `verify` multiplies by the cofactor and would accept more than OpenSSL does.)
 */
import {
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
  randomBytes,
} from 'node:crypto';
import { hashes, sign as nobleSign, Point } from '@noble/ed25519';
import { BoundedCache } from './bounded-cache.ts';
import {
  acceptablePublicKey,
  acceptableSignature,
  GROUP_ORDER,
  PUBLIC_KEY_BYTES,
  SEED_BYTES,
} from './ed25519-encoding.ts';
import { publicKeyToSpki, seedToPkcs8 } from './keys-der.ts';

export interface Ed25519 {
  /** 64 bytes. `seed` is the 32-byte secret of RFC 8032; RangeError on any other length. */
  sign(message: Uint8Array, seed: Uint8Array): Uint8Array;
  /** Never throws: whatever is malformed is false. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

const sha512 = (message: Uint8Array) => new Uint8Array(hash('sha512', message, 'buffer'));

function demandSeed(seed: Uint8Array): void {
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_BYTES)
    throw new RangeError(`an Ed25519 seed is ${SEED_BYTES} bytes`);
}

function scalarFrom(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

export const nobleEd25519: Ed25519 = {
  sign(message, seed) {
    demandSeed(seed);
    // noble's synchronous functions want a SHA-512 handed to them; set here because importing must do nothing.
    hashes.sha512 ??= sha512;
    return nobleSign(message, seed);
  },
  verify(signature, message, publicKey) {
    if (
      !acceptableSignature(signature) ||
      !acceptablePublicKey(publicKey) ||
      !(message instanceof Uint8Array)
    )
      return false;
    const r = signature.subarray(0, 32);
    let a: Point;
    try {
      a = Point.fromBytes(publicKey);
    } catch {
      return false; // not a point of the curve
    }
    const k = scalarFrom(sha512(Buffer.concat([r, publicKey, message]))) % GROUP_ORDER;
    const s = scalarFrom(signature.subarray(32));
    const recovered = Point.BASE.multiply(s, false).subtract(a.multiply(k, false)).toBytes();
    return recovered.every((byte, index) => byte === r[index]);
  },
};

/** Room for the keys of a large fleet in use at once; a key object takes about a kibibyte. */
const PUBLIC_KEYS_KEPT = 32_768;
const PRIVATE_KEYS_KEPT = 16;
const publicKeys = new BoundedCache<KeyObject>(PUBLIC_KEYS_KEPT);
const privateKeys = new BoundedCache<KeyObject>(PRIVATE_KEYS_KEPT);

function publicKeyObject(publicKey: Uint8Array): KeyObject {
  return publicKeys.get(Buffer.from(publicKey).toString('latin1'), () =>
    createPublicKey({ key: publicKeyToSpki(publicKey), format: 'der', type: 'spki' }),
  );
}

function privateKeyObject(seed: Uint8Array): KeyObject {
  // Kept under a digest, so that the cache makes no further copies of the secret as strings.
  return privateKeys.get(hash('sha256', seed, 'base64url'), () =>
    createPrivateKey({ key: seedToPkcs8(seed), format: 'der', type: 'pkcs8' }),
  );
}

export const nodeEd25519: Ed25519 = {
  sign(message, seed) {
    demandSeed(seed);
    return nodeSign(null, message, privateKeyObject(seed));
  },
  verify(signature, message, publicKey) {
    if (
      !acceptableSignature(signature) ||
      !acceptablePublicKey(publicKey) ||
      !(message instanceof Uint8Array)
    )
      return false;
    return nodeVerify(null, message, publicKeyObject(publicKey), signature);
  },
};

/** Like `Ed25519.verify`, later. */
export type VerifyLater = (
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
) => Promise<boolean>;

/**
 * `nodeEd25519.verify` on a thread of libuv's pool: whoever checks thousands uses the machine's other cores for it and
 * keeps its own for the rest. `message` must not change meanwhile.
 */
export const nodeVerifyLater: VerifyLater = async (signature, message, publicKey) => {
  if (!acceptableSignature(signature) || !acceptablePublicKey(publicKey) || !(message instanceof Uint8Array))
    return false;
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  nodeVerify(null, message, publicKeyObject(publicKey), signature, (error, valid) => {
    if (error) reject(error);
    else resolve(valid);
  });
  return promise;
};

/** The public key (32 bytes) of a seed. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  demandSeed(seed);
  const spki = createPublicKey(
    createPrivateKey({ key: seedToPkcs8(seed), format: 'der', type: 'pkcs8' }),
  ).export({
    format: 'der',
    type: 'spki',
  });
  return new Uint8Array(spki.subarray(spki.length - PUBLIC_KEY_BYTES));
}

/** A new identity. `random` returns that many random bytes; the system's generator unless told otherwise. */
export function generateEd25519(random: (bytes: number) => Uint8Array = randomBytes): {
  seed: Uint8Array;
  publicKey: Uint8Array;
} {
  const seed = new Uint8Array(random(SEED_BYTES));
  return { seed, publicKey: publicKeyOf(seed) };
}
