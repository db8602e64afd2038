/** A connection to the agent's port, read into one buffer that is used again: frames out of it as they are asked for. */
import { connect, type Socket } from 'node:net';
import { type AgentPortFrame, AgentPortReader } from '../protocol/agent-port-codec.ts';
import { BorealisError } from '../protocol/errors.ts';
import type { ChunkPool } from './chunk-pool.ts';
import { CopyInterrupted } from './connection.ts';

const READ_BYTES = 262_144;
/** Bytes of frames that wait to be taken, above which nothing more is read. */
const WAITING_BYTES = 1_048_576;
const CONNECT_MS = 10_000;

export interface Dialled {
  readonly socket: Socket;
  /** Ends when the other end has said all. Throws AgentPortFrameError, and what broke the connection. */
  readonly frames: AsyncIterable<AgentPortFrame>;
}

/** Errors: CopyInterrupted where it does not answer, CANCELLED. */
export const dial = (
  { address, port }: { readonly address: string; readonly port: number },
  pool: ChunkPool,
  signal: AbortSignal,
): Promise<Dialled> => {
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  const frames = new ReadAhead(pool);
  const socket = connect({
    host: address,
    port,
    allowHalfOpen: true,
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (count, buffer) => frames.read(buffer.subarray(0, count)),
    },
  });
  frames.resume = () => socket.resume();
  socket.on('end', () => frames.end());
  socket.on('error', (error) => frames.end(error));
  socket.on('close', () => frames.end(new Error('the connection was cut')));
  const settled = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    socket.off('error', failed);
  };
  const fail = (error: Error): void => {
    settled();
    socket.destroy();
    reject(error);
  };
  const failed = ({ message }: Error): void =>
    fail(new CopyInterrupted(`the device does not answer: ${message}`));
  const abort = (): void => fail(new BorealisError('CANCELLED'));
  const timer = setTimeout(() => failed(new Error('no connection')), CONNECT_MS);
  signal.addEventListener('abort', abort, { once: true });
  socket.once('error', failed);
  socket.once('connect', () => {
    settled();
    resolve({ socket, frames });
  });
  return promise;
};

class ReadAhead implements AsyncIterable<AgentPortFrame> {
  resume: () => void = () => {};
  readonly #reader = new AgentPortReader();
  #queue: AgentPortFrame[] = [];
  #bytes = 0;
  #paused = false;
  #over: { readonly error?: Error } | undefined;
  #wake: () => void = () => {};

  constructor(pool: ChunkPool) {
    this.#reader.allocate = pool.take;
  }

  /** False where nothing more is to be read before `resume` was called. */
  read(bytes: Uint8Array): boolean {
    try {
      for (const frame of this.#over ? [] : this.#reader.frames(bytes)) {
        this.#queue.push(frame);
        this.#bytes += frame.payload.length;
      }
    } catch (error) {
      this.end(error as Error);
    }
    this.#wake();
    this.#paused = this.#bytes > WAITING_BYTES;
    return !this.#paused;
  }

  end(error?: Error): void {
    this.#over ??= error ? { error } : {};
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AgentPortFrame, void, void> {
    for (;;) {
      const frame = this.#queue.shift();
      if (frame) {
        this.#bytes -= frame.payload.length;
        if (this.#paused && this.#bytes <= WAITING_BYTES) {
          this.#paused = false;
          this.resume();
        }
        yield frame;
      } else if (this.#over) {
        if (this.#over.error) throw this.#over.error;
        return;
      } else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
