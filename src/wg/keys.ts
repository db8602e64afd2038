/** Keys of WireGuard: X25519 (RFC 7748) in base64, as wg(8) writes them. They are made here, never by a command. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject } from 'node:crypto';
import { BorealisError } from '../protocol/errors.ts';
import type { Key } from './types.ts';

const KEY_BYTES = 32;
/** The fixed beginning of a PKCS #8 X25519 key (RFC 8410 §7); the 32 bytes follow. */
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

export interface KeyPair {
  readonly privateKey: Key;
  readonly publicKey: Key;
}

export const generateKeyPair = (): KeyPair => {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const der = privateKey.export({ format: 'der', type: 'pkcs8' });
  const secret = clamp(der.subarray(-KEY_BYTES));
  return { privateKey: secret.toString('base64'), publicKey: raw(publicKey) };
};

/** Errors: INVALID_INPUT. */
export const publicKeyOf = (privateKey: Key): Key => {
  const der = Buffer.concat([PKCS8, keyBytes(privateKey, 'private key')]);
  return raw(createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })));
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

const raw = (key: KeyObject): Key =>
  key.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES).toString('base64');

/** RFC 7748 §5 does this on use; `wg genkey` and the kernel do it at once, and then show the key that way. */
const clamp = (bytes: Buffer): Buffer => {
  bytes[0]! &= 248;
  bytes[31]! = (bytes[31]! & 127) | 64;
  return bytes;
};
