/** The arithmetic of WireGuard's handshake, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s (whitepaper, §5.4). Pure. */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';
import { blake2s } from '@noble/hashes/blake2.js';

const TAG_BYTES = 16;
const BLOCK_BYTES = 64;

export const hash = (...parts: (string | Uint8Array)[]): Buffer => {
  const blake = createHash('blake2s256');
  for (const part of parts) blake.update(part);
  return blake.digest();
};

/** HMAC (RFC 2104). node:crypto's own takes five times as long to begin with a key as BLAKE2s takes for so few bytes. */
const hmac = (key: Uint8Array, data: Uint8Array): Buffer =>
  hash(padded(key, 0x5c), hash(padded(key, 0x36), data));

const padded = (key: Uint8Array, byte: number): Buffer => {
  const block = Buffer.alloc(BLOCK_BYTES, byte);
  for (let index = 0; index < key.length; index += 1) block[index] = key[index]! ^ byte;
  return block;
};

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

const NO_NONCE = Buffer.alloc(12);

/** ChaCha20-Poly1305. Each key seals one thing, so the counter is always 0. */
export const seal = (key: Buffer, text: Uint8Array, associated: Buffer): Buffer => {
  const options = { authTagLength: TAG_BYTES };
  const cipher = createCipheriv('chacha20-poly1305', createSecretKey(key), NO_NONCE, options);
  cipher.setAAD(associated, { plaintextLength: text.length });
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
};

/** Errors: Node's own, where the seal is not right. */
export const unseal = (key: Buffer, sealed: Uint8Array, associated: Buffer): Buffer => {
  const text = sealed.subarray(0, -TAG_BYTES);
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv('chacha20-poly1305', createSecretKey(key), NO_NONCE, options);
  decipher.setAAD(associated, { plaintextLength: text.length });
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(text), decipher.final()]);
};

/** Errors: Node's own, where the other's is a point of low order. */
export const shared = (privateKey: KeyObject, publicKey: KeyObject): Buffer =>
  diffieHellman({ privateKey, publicKey });
