/** The arithmetic of WireGuard's handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper, §5.4). Pure. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
} from 'node:crypto';
import { blake2s } from '@noble/hashes/blake2.js';
import { keyBytes } from './keys.ts';
import type { Key } from './types.ts';

const TAG_BYTES = 16;

export const hash = (...parts: (string | Uint8Array)[]): Buffer => {
  const blake = createHash('blake2s256');
  for (const part of parts) blake.update(part);
  return blake.digest();
};

const hmac = (key: Uint8Array, data: Uint8Array): Buffer =>
  createHmac('blake2s256', key).update(data).digest();

/** With these every handshake with the holder of that public key begins. */
export const beginning = (responder: Uint8Array): { chain: Buffer; transcript: Buffer } => {
  const chain = hash('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
  return { chain, transcript: hash(hash(chain, 'WireGuard v1 zx2c4 Jason@zx2c4.com'), responder) };
};

/** What a packet ends with, for whoever knows the public key of its receiver. */
export const mac1 = (receiver: Uint8Array, packet: Uint8Array): Buffer =>
  mac(hash('mac1----', receiver), packet);

/** Keyed BLAKE2s of 16 bytes, which node:crypto does not have. */
const mac = (key: Uint8Array, data: Uint8Array): Buffer => Buffer.from(blake2s(data, { key, dkLen: 16 }));

/** KDFn of the whitepaper: HKDF with BLAKE2s. */
export const derive = (
  chain: Uint8Array,
  input: Uint8Array,
  count: 1 | 2 | 3,
): [Buffer, Buffer?, Buffer?] => {
  const secret = hmac(chain, input);
  const first = hmac(secret, Uint8Array.of(1));
  if (count === 1) return [first];
  const second = hmac(secret, Buffer.concat([first, Uint8Array.of(2)]));
  if (count === 2) return [first, second];
  return [first, second, hmac(secret, Buffer.concat([second, Uint8Array.of(3)]))];
};

/** ChaCha20-Poly1305. Each key seals one thing, so the counter is always 0. */
export const seal = (key: Buffer, text: Uint8Array, associated: Buffer): Buffer => {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: TAG_BYTES });
  cipher.setAAD(associated, { plaintextLength: text.length });
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
};

/** Errors: Node's own, where the seal is not right. */
export const unseal = (key: Buffer, sealed: Uint8Array, associated: Buffer): Buffer => {
  const text = sealed.subarray(0, -TAG_BYTES);
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: TAG_BYTES });
  decipher.setAAD(associated, { plaintextLength: text.length });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(text), decipher.final()]);
};

const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const der = (prefix: Buffer, key: Key): Buffer => Buffer.concat([prefix, keyBytes(key)]);

export const shared = (privateKey: Key, publicKey: Key): Buffer =>
  diffieHellman({
    privateKey: createPrivateKey({ key: der(PKCS8, privateKey), format: 'der', type: 'pkcs8' }),
    publicKey: createPublicKey({ key: der(SPKI, publicKey), format: 'der', type: 'spki' }),
  });
