/** Bytes of one socket to another, as fast as that one takes them, in few steps: a forward's cost is in their number. */
import type { Duplex } from 'node:stream';

/** Who is read from wants this as its `highWaterMark`: what is there waits in the kernel, where it becomes more. */
export const READ_AHEAD = 16_384;
/** A chunk of this size was worth a step. */
const WORTHWHILE = 49_152;
/** Bytes within so many milliseconds that are no conversation any more, in which each step would count. */
const BULK_BYTES = 262_144;
const BULK_MS = 50;
/** Milliseconds for which small chunks of a bulk are left to become a larger one. */
const REST_MS = 2;

export const pass = (from: Duplex, to: Duplex, moved: (bytes: number) => void): void => {
  let since = 0;
  let bytes = 0;
  const isBulk = (size: number): boolean => {
    const now = performance.now();
    if (now - since > BULK_MS) {
      const before = bytes;
      since = now;
      bytes = size;
      return before >= BULK_BYTES;
    }
    bytes += size;
    return bytes >= BULK_BYTES;
  };
  const go = (): void => {
    if (to.writableNeedDrain) to.once('drain', go);
    else from.resume();
  };
  from.on('data', (chunk: Buffer) => {
    moved(chunk.length);
    const taken = to.write(chunk);
    const rests = isBulk(chunk.length) && chunk.length < WORTHWHILE;
    if (taken && !rests) return;
    from.pause();
    if (rests) setTimeout(go, REST_MS);
    else go();
  });
  from.once('end', () => to.end());
};
