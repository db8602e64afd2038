/** Bytes of one socket to another, as fast as that one takes them, in few steps: a forward's cost is in their number. */
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';

/** Who is read from wants this as its `highWaterMark`: what is there waits in the kernel, where it becomes more. */
export const READ_AHEAD = 16_384;
/** Bytes within so many milliseconds that are no conversation any more, in which each step would count. */
const BULK_BYTES = 262_144;
const BULK_MS = 50;
/** Milliseconds after which a bulk is steady no longer: we may have had no turn for some. */
const PAUSE_MS = 200;
/** A chunk smaller than that of a bulk was not worth a step: what comes next is left for so many milliseconds to become more. */
const SMALL = { bytes: 49_152, restMs: 2 } as const;
/** The same where the bulk has not paused for so long that nobody waits for the end of it, and more can be read at once. */
const STEADY = { afterMs: 500, bytes: 262_144, restMs: 8 } as const;
/** That a bulk socket reads at most in one step. */
const STEP_BYTES = 524_288;

/**
 * Is read into the same memory again and again, and much at once: the cost of a step is mostly not in its bytes. By nobody
 * but `pass`, for which it waits.
 */
export class BulkSocket extends Socket {
  readonly #reader: { hear: (bytes: Buffer) => boolean };

  constructor(options: SocketConstructorOpts) {
    const reader = { hear: (_bytes: Buffer): boolean => false };
    // Of a connection that says little, next to nothing of it is ever touched.
    const buffer = Buffer.allocUnsafeSlow(STEP_BYTES);
    const callback = (length: number): boolean => reader.hear(buffer.subarray(0, length));
    super({ ...options, onread: { buffer, callback } });
    this.#reader = reader;
    this.pause();
  }

  /** What is heard is gone when the next is. False: no more before `resume`. */
  onBytes(hear: (bytes: Buffer) => boolean): void {
    this.#reader.hear = hear;
    this.resume();
  }
}

export const pass = (from: Duplex, to: Duplex, moved: (bytes: number) => void): void => {
  if (from instanceof BulkSocket) passSteps(from, to, moved);
  else passChunks(from, to, moved);
  from.once('end', () => to.end());
};

const passSteps = (from: BulkSocket, to: Duplex, moved: (bytes: number) => void): void => {
  const restAfter = pace();
  let [writing, resting, stopped] = [0, false, false];
  const go = (): void => {
    if (!stopped || resting || writing > 0) return;
    stopped = false;
    from.resume();
  };
  const written = (): void => {
    writing -= 1;
    go();
  };
  const rested = (): void => {
    resting = false;
    go();
  };
  from.onBytes((bytes) => {
    moved(bytes.length);
    writing += 1;
    // Another stream may hold on to it for longer than it says.
    to.write(to instanceof Socket ? bytes : Buffer.from(bytes), written);
    const rest = restAfter(bytes.length, STEADY);
    resting = rest > 0;
    if (resting) setTimeout(rested, rest);
    // Where the kernel has all of it, the memory is free.
    stopped = resting || to.writableLength > 0;
    return !stopped;
  });
};

const passChunks = (from: Duplex, to: Duplex, moved: (bytes: number) => void): void => {
  const restAfter = pace();
  const go = (): void => {
    if (to.writableNeedDrain) to.once('drain', go);
    else from.resume();
  };
  from.on('data', (chunk: Buffer) => {
    moved(chunk.length);
    const taken = to.write(chunk);
    const rest = restAfter(chunk.length);
    if (taken && rest === 0) return;
    from.pause();
    if (rest > 0) setTimeout(go, rest);
    else go();
  });
};

/** Milliseconds for which a socket is left alone after a chunk of that size; `steady` where that is known to be a bulk. */
const pace = (): ((size: number, steady?: typeof STEADY) => number) => {
  let [since, bytes, bulks] = [0, 0, 0];
  return (size, steady) => {
    const now = performance.now();
    if (now - since > BULK_MS) {
      // After a pause it has to show again that it is steady.
      const goesOn = now - since < PAUSE_MS;
      bulks = bytes < BULK_BYTES ? 0 : goesOn ? bulks + 1 : 1;
      since = now;
      bytes = 0;
    }
    bytes += size;
    if (bulks === 0 && bytes < BULK_BYTES) return 0;
    const { bytes: worthwhile, restMs } = steady && bulks * BULK_MS >= steady.afterMs ? steady : SMALL;
    return size < worthwhile ? restMs : 0;
  };
};
