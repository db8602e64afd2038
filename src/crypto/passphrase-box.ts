/**
 * A file sealed with a passphrase, as a stream of any length: backups. Header (passphrase-box-header.ts), then chunks of
 * 64 KiB under AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce counts the
 * chunks and marks the last one, the header is authenticated with each. Changed, cut off, reordered, repeated or
 * appended chunks do not open.
 *
 * Plaintext leaves `openStream` chunk by chunk, each one verified, before the end has been seen: whoever reads must not
 * act on it until the stream has ended without an error.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Transform } from 'node:stream';
import { BorealisError } from '../protocol/errors.ts';
import { ByteQueue } from './byte-queue.ts';
import { type BoxKey, HEADER_BYTES, newHeader, openHeader } from './passphrase-box-header.ts';

const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;

export interface SealOptions {
  /** log2 of scrypt's N, 10 to 17. Less than 17 is for tests: it makes the passphrase cheaper to guess. */
  readonly logN?: number;
}

/** Plaintext in, sealed bytes out. The passphrase is UTF-8, taken as it is (no normalisation). */
export function sealStream(passphrase: string, { logN = 17 }: SealOptions = {}): Transform {
  const queue = new ByteQueue();
  let box: BoxKey | undefined;
  let counter = 0;

  function sealChunk(plain: Buffer, last: boolean): Buffer {
    const { key, header } = box!;
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(counter++, last), { authTagLength: TAG_BYTES });
    cipher.setAAD(header);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  return new Transform({
    construct(this: Transform, callback) {
      newHeader(passphrase, logN).then((made) => {
        box = made;
        this.push(made.header);
        callback();
      }, callback);
    },
    transform(this: Transform, data: Buffer, _encoding, callback) {
      queue.push(data);
      // Strictly more: what may be the last chunk waits until it is known whether it is.
      while (queue.size > CHUNK_BYTES) this.push(sealChunk(queue.take(CHUNK_BYTES), false));
      callback();
    },
    flush(this: Transform, callback) {
      this.push(sealChunk(queue.take(queue.size), true));
      callback();
    },
  });
}

/**
 * Sealed bytes in, plaintext out. Ends with BorealisError BACKUP_PASSPHRASE when the passphrase is another one, and
 * BACKUP_UNREADABLE when the file is no such file, was changed or is cut off.
 */
export function openStream(passphrase: string): Transform {
  const queue = new ByteQueue();
  let box: BoxKey | undefined;
  let counter = 0;

  function openChunk({ key, header }: BoxKey, last: boolean): Buffer {
    const sealed = queue.take(last ? queue.size : SEALED_CHUNK_BYTES);
    // Only an empty file may end with an empty chunk: else one content would have two sealed forms.
    if (sealed.length < TAG_BYTES || (counter > 0 && sealed.length === TAG_BYTES))
      throw damaged('It is cut off.');
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(counter++, last), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(header);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const plain = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
    try {
      return Buffer.concat([plain, decipher.final()]);
    } catch (cause) {
      throw damaged(`Chunk ${counter} was changed, or the file is cut off there.`, cause);
    }
  }

  async function openWhatCame(stream: Transform): Promise<void> {
    if (!box && queue.size < HEADER_BYTES) return;
    box ??= await openHeader(passphrase, queue.take(HEADER_BYTES));
    while (queue.size > SEALED_CHUNK_BYTES) stream.push(openChunk(box, false));
  }

  return new Transform({
    transform(this: Transform, data: Buffer, _encoding, callback) {
      queue.push(data);
      openWhatCame(this).then(() => callback(), callback);
    },
    flush(this: Transform, callback) {
      try {
        if (!box) throw damaged('It is cut off.');
        this.push(openChunk(box, true));
      } catch (error) {
        callback(error as Error);
        return;
      }
      callback();
    },
  });
}

/** 11 bytes count, the last one says whether this is the last chunk. 2^48 chunks are more than any disk holds. */
function nonceOf(counter: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

const damaged = (detail: string, cause?: unknown): BorealisError =>
  new BorealisError('BACKUP_UNREADABLE', { detail, cause });
