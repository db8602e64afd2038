/** What one chunk of a recording holds: where it ends, and a piece of the asciicast, deflated. */

import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { CHUNK_MAX, ChunkError } from '../../crypto/sealed-chunks.ts';

export type PartKind = 'more' | 'complete' | 'cut_off';
const KINDS: readonly PartKind[] = ['more', 'complete', 'cut_off'];

/** Where a recording stands at the end of a part. */
export interface Mark {
  /** Whether more follows; else how the recording ended. */
  readonly kind: PartKind;
  /** Bytes of the shell's output that are recorded. */
  readonly offset: number;
  /** Milliseconds since the recording began. */
  readonly elapsedMs: number;
  /** Bytes of asciicast so far, this part among them. */
  readonly bytes: number;
}

const HEADER_BYTES = 25;
const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** Terminals repeat themselves: deflated fast, in zlib's own threads, a recording is a tenth of its size. */
export const packPart = async (mark: Mark, text: Uint8Array): Promise<Buffer> => {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt8(KINDS.indexOf(mark.kind), 0);
  header.writeBigUInt64BE(BigInt(mark.offset), 1);
  header.writeBigUInt64BE(BigInt(mark.elapsedMs), 9);
  header.writeBigUInt64BE(BigInt(mark.bytes), 17);
  return Buffer.concat([header, await deflate(text, { level: 1 })]);
};

/** Throws ChunkError. */
export const markOf = (part: Buffer): Mark => {
  const kind = part.length < HEADER_BYTES ? undefined : KINDS[part.readUInt8(0)];
  if (!kind) throw new ChunkError('a chunk holds no part of a recording');
  return {
    kind,
    offset: Number(part.readBigUInt64BE(1)),
    elapsedMs: Number(part.readBigUInt64BE(9)),
    bytes: Number(part.readBigUInt64BE(17)),
  };
};

/** Throws ChunkError. */
export const textOf = async (part: Buffer): Promise<Buffer> => {
  try {
    return await inflate(part.subarray(HEADER_BYTES), { maxOutputLength: 4 * CHUNK_MAX });
  } catch (cause) {
    throw new ChunkError('a chunk holds no text', { cause });
  }
};
