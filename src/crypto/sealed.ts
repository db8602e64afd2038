/**
 * Secrets at rest: AES-256-GCM under the engine's master key. The name is authenticated with the content, so a sealed
 * value cannot be put in another's place. Layout: version (1 byte), nonce (12), ciphertext, tag (16).
 * Nonces are random: safe for 2^32 values under one master key (NIST SP 800-38D §8.3).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const MASTER_KEY_BYTES = 32;

/** A sealed value that cannot be opened: changed, cut, of another name, or under another key. It cannot be told which. */
export class UnsealError extends Error {
  override name = 'UnsealError';

  constructor(name: string, options?: ErrorOptions) {
    super(`the sealed value '${name}' cannot be opened with this master key`, options);
  }
}

export function seal(masterKey: Uint8Array, name: string, plaintext: Uint8Array): Buffer {
  demandKey(masterKey);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(name));
  const body = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, body, cipher.getAuthTag()]);
}

/** Throws UnsealError. */
export function unseal(masterKey: Uint8Array, name: string, sealed: Uint8Array): Buffer {
  demandKey(masterKey);
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw new UnsealError(name);
  const decipher = createDecipheriv('aes-256-gcm', masterKey, sealed.subarray(1, 1 + NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associatedData(name));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const body = decipher.update(sealed.subarray(1 + NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([body, decipher.final()]);
  } catch (cause) {
    throw new UnsealError(name, { cause });
  }
}

const associatedData = (name: string): Buffer => Buffer.from(`borealis sealed v${VERSION}\0${name}`, 'utf8');

function demandKey(masterKey: Uint8Array): void {
  if (masterKey.length !== MASTER_KEY_BYTES)
    throw new RangeError(`a master key is ${MASTER_KEY_BYTES} bytes`);
}
