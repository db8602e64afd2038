/**
 * A long text at rest, sealed piece by piece while it is written (docs/adr/0006): each chunk is AES-256-GCM under the
 * text's own key, its number and the text's name are authenticated with it. So a chunk that was changed, moved, left out
 * or taken from another text does not open; that the end is missing is seen because the last chunk says that it is.
 *
 * A chunk on disk: length of what follows (4 bytes, big endian), nonce (12), ciphertext, tag (16). Nonces are random: a
 * number is sealed again where a first write of it was cut off. Safe for 2^32 chunks under one key (SP 800-38D §8.3).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const CHUNK_KEY_BYTES = 32;
export const CHUNK_HEADER_BYTES = 4;
const LEAST_BYTES = NONCE_BYTES + TAG_BYTES;
/** Longest plaintext of a chunk. */
export const CHUNK_MAX = 4_194_304;

/** A chunk that is not what was written in its place. It cannot be told what was done to it. */
export class ChunkError extends Error {
  override name = 'ChunkError';
}

/** What chunks of one text have in common. */
export interface ChunkSeal {
  readonly key: Uint8Array;
  readonly name: string;
}

/** The chunk as it lies on disk, its length first. */
export function sealChunk({ key, name }: ChunkSeal, number: number, plaintext: Uint8Array): Buffer {
  if (plaintext.length > CHUNK_MAX) throw new RangeError(`a chunk holds at most ${CHUNK_MAX} bytes`);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(name, number));
  const body = cipher.update(plaintext);
  cipher.final();
  const header = Buffer.allocUnsafe(CHUNK_HEADER_BYTES);
  header.writeUInt32BE(LEAST_BYTES + body.length);
  return Buffer.concat([header, nonce, body, cipher.getAuthTag()]);
}

/** How many bytes follow the length; throws ChunkError where that cannot be. */
export function chunkLength(header: Buffer): number {
  const length = header.readUInt32BE(0);
  if (length < LEAST_BYTES || length > LEAST_BYTES + CHUNK_MAX)
    throw new ChunkError('no chunk has that length');
  return length;
}

/** `sealed`: what follows the length. Throws ChunkError. */
export function openChunk({ key, name }: ChunkSeal, number: number, sealed: Uint8Array): Buffer {
  if (sealed.length < LEAST_BYTES) throw new ChunkError(`chunk ${number} is too short`);
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(associatedData(name, number));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const body = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch (cause) {
    throw new ChunkError(`chunk ${number} is not what was written there`, { cause });
  }
  return body;
}

const associatedData = (name: string, number: number): Buffer => {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(number));
  return Buffer.concat([Buffer.from(`borealis chunk v1\0${name}\0`, 'utf8'), place]);
};
