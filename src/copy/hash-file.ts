/** SHA-256 of what a file begins with. */
import { createHash, type Hash } from 'node:crypto';
import { COPY_CHUNK_BYTES } from '../protocol/copy.ts';
import { readAt } from './files.ts';

/** Undefined where the file is shorter. */
export const hashPrefix = async (fd: number, length: number): Promise<Hash | undefined> => {
  const state = createHash('sha256');
  const buffer = Buffer.allocUnsafeSlow(Math.min(COPY_CHUNK_BYTES, length));
  for (let at = 0; at < length; ) {
    const chunk = buffer.subarray(0, Math.min(buffer.length, length - at));
    if ((await readAt(fd, chunk, at)) < chunk.length) return undefined;
    state.update(chunk);
    at += chunk.length;
  }
  return state;
};
