/** Keys of WireGuard: X25519 (RFC 7748) in base64, as wg(8) writes them. They are made here, never by a command. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import { BorealisError } from '../protocol/errors.ts';
import type { Key } from './types.ts';

const KEY_BYTES = 32;
/** The fixed beginnings of X25519 keys in PKCS #8 and SubjectPublicKeyInfo (RFC 8410 §4, §7); the 32 bytes follow. */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');

export interface KeyPair {
  readonly privateKey: Key;
  readonly publicKey: Key;
}

export const generateKeyPair = (): KeyPair => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const secret = clamp(der.subarray(-KEY_BYTES));
  return { privateKey: secret.toString('base64'), publicKey: pointOf(publicKey).toString('base64') };
};

/** Errors: INVALID_INPUT. */
export const publicKeyOf = (privateKey: Key): Key => pointOf(secretObject(privateKey)).toString('base64');

/** For node:crypto, which takes as long to read a key as to use it. Errors: INVALID_INPUT. */
export const secretObject = (privateKey: Key): KeyObject => {
  const key = Buffer.concat([PKCS8, keyBytes(privateKey, 'private key')]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
};

/** Of 32 bytes. */
export const pointObject = (point: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI, point]), format: 'der', type: 'spki' });

/** The 32 bytes of a public key, or of the one that goes with a private key. */
export const pointOf = (key: KeyObject): Buffer => {
  const { x = '' } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return Buffer.from(x, 'base64url');
};

/** The 32 bytes of the only spelling that WireGuard itself writes. Errors: INVALID_INPUT, which does not show the key. */
export const keyBytes = (key: Key, what = 'key'): Buffer => {
  const bytes = Buffer.from(key, 'base64');
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== key) {
    throw new BorealisError('INVALID_INPUT', { detail: `A WireGuard ${what} is 32 bytes in base64.` });
  }
  return bytes;
};

/** For comparing a secret without keeping it: SHA-256 of 32 random bytes tells nothing of them. */
export const digestOf = (key: Key): string => hash('sha256', keyBytes(key, 'pre-shared key'), 'base64url');

/** RFC 7748 §5 does this on use; `wg genkey` and the kernel do it at once, and then show the key that way. */
const clamp = (bytes: Buffer): Buffer => {
  bytes[0]! &= 248;
  bytes[31]! = (bytes[31]! & 127) | 64;
  return bytes;
};
