/** A large file, from an offset on: read ahead of the network, hashed on the way. */
import type { Hash } from 'node:crypto';
import { COPY, COPY_CHUNK_BYTES } from '../protocol/copy.ts';
import type { CopyConnection } from './connection.ts';
import { readAt } from './files.ts';
import { hashPrefix } from './hash-file.ts';
import { FileProblem } from './problems.ts';

/** Chunks between disk and network. */
const CHUNKS = 4;

/** Whether the file begins with what the receiver says it has. */
export const prefixEquals = async (
  fd: number,
  { offset, hash }: { readonly offset: number; readonly hash: string },
): Promise<Hash | undefined> => {
  const state = await hashPrefix(fd, offset);
  return state?.copy().digest('base64url') === hash ? state : undefined;
};

export interface LargeFile {
  readonly connection: CopyConnection;
  /** Open for reading. */
  readonly fd: number;
  readonly index: number;
  readonly size: number;
  readonly offset: number;
  /** Of what is before the offset. */
  readonly state: Hash;
  readonly moved: (bytes: number) => void;
  /** The receiver has no use for the rest. */
  readonly lost: () => boolean;
}

/** Errors: FileProblem, those of reading, those of the connection. */
export const sendLarge = async ({
  connection,
  fd,
  index,
  size,
  offset,
  state,
  moved,
  lost,
}: LargeFile): Promise<void> => {
  const head = Buffer.allocUnsafe(12);
  head.writeUInt32BE(index, 0);
  head.writeBigUInt64BE(BigInt(offset), 4);
  await connection.send(COPY.START, head);
  const free = Array.from({ length: CHUNKS }, () => ({
    buffer: Buffer.allocUnsafeSlow(Math.min(COPY_CHUNK_BYTES, size)),
    sent: Promise.resolve(),
  }));
  const reads: {
    readonly chunk: Buffer;
    readonly count: Promise<number>;
    readonly slot: (typeof free)[0];
  }[] = [];
  let asked = offset;
  const readOn = async (): Promise<void> => {
    const slot = free.shift();
    if (!slot || asked >= size) return;
    await slot.sent;
    const chunk = slot.buffer.subarray(0, Math.min(slot.buffer.length, size - asked));
    const count = readAt(fd, chunk, asked);
    count.catch(() => {}); // met when it is its turn
    reads.push({ chunk, count, slot });
    asked += chunk.length;
  };
  await readOn();
  for (let next = reads.shift(); next; next = reads.shift()) {
    const { chunk, count, slot } = next;
    // One is read while the one before is hashed; the file stays open until nothing of it is being read.
    await readOn();
    const got = await count;
    if (got < chunk.length || lost()) {
      await Promise.allSettled(reads.map(({ count }) => count));
      if (got < chunk.length) shorter();
      throw new FileProblem('the other side does not take it');
    }
    state.update(chunk);
    slot.sent = connection.sendBorrowed(COPY.CHUNK, chunk);
    slot.sent.catch(() => {}); // met when the buffer is wanted again, or below
    free.push(slot);
    moved(chunk.length);
    if (reads.length === 0) await readOn();
  }
  await Promise.all(free.map(({ sent }) => sent));
  await connection.send(COPY.FINISH, state.digest());
};

const shorter = (): never => {
  throw new FileProblem('it became shorter while it was copied');
};
