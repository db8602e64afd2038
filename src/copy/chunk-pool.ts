/** Buffers of content that are used again and again: made anew for each chunk, a gigabyte would be half a gigabyte of garbage a second. */
import { COPY_CHUNK_BYTES } from '../protocol/copy.ts';

const KEPT = 16;

export class ChunkPool {
  readonly #free: Buffer[] = [];

  /** For the payload of a frame. Its content is whatever it was. */
  readonly take = (bytes: number): Buffer =>
    (bytes === COPY_CHUNK_BYTES && this.#free.pop()) || Buffer.allocUnsafeSlow(bytes);

  /** Nobody looks at it any more. What is no chunk is left to the collector. */
  give(payload: Buffer): void {
    if (payload.length === COPY_CHUNK_BYTES && this.#free.length < KEPT) this.#free.push(payload);
  }
}
