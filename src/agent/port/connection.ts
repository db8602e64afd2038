/** One connection to the agent's port, once its token was found good: frames in order, frames out. */
import type { Socket } from 'node:net';
import { FROM_AGENT_PORT, type ShellOpened } from '../../protocol/agent-port.ts';
import {
  type AgentPortFrame,
  AgentPortFrameError,
  AgentPortReader,
  encodeJsonFrame,
} from '../../protocol/agent-port-codec.ts';
import type { BorealisError } from '../../protocol/errors.ts';
import { writeAtOnce } from '../../sys/write-at-once.ts';

/** Bytes of frames that wait for `frames()` to take them, above which nothing more is read. */
const WAITING_BYTES = 1_048_576;

export class PortConnection {
  readonly socket: Socket;
  readonly #reader: AgentPortReader;
  readonly #over = Promise.withResolvers<void>();
  readonly #first = Promise.withResolvers<AgentPortFrame>();
  #begun = false;
  #waiting: AgentPortFrame[] = [];
  #handler: ((frame: AgentPortFrame) => void) | undefined;
  #ended = false;
  readonly #hear = (frame: AgentPortFrame): void => this.#deliver(frame);

  /** `firstLimit`: bytes of the first frame at most; `reader.limit` is raised by who has read it. */
  constructor(socket: Socket, firstLimit: number) {
    this.socket = socket;
    this.#reader = new AgentPortReader(firstLimit);
    // Whoever reads hears of it; nobody may be reading yet.
    this.#over.promise.catch(() => undefined);
    this.#first.promise.catch(() => undefined);
    this.#over.promise.catch((error: unknown) => this.#first.reject(error));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => this.#end());
    socket.on('error', (error) => this.#over.reject(error));
    socket.on('close', () => this.#over.reject(new AgentPortFrameError('The connection was cut.')));
  }

  /** The first frame; nothing more is read before `receive` or `frames`. Rejects as they do. */
  first(): Promise<AgentPortFrame> {
    return this.#first.promise;
  }

  get closed(): boolean {
    return this.socket.destroyed;
  }

  /** From now on frames of that many bytes are taken. */
  set limit(bytes: number) {
    this.#reader.limit = bytes;
  }

  /** From now on payloads lie where it says. */
  set allocate(allocate: (bytes: number) => Buffer) {
    this.#reader.allocate = allocate;
  }

  /** False where the network is behind: `drained` tells when it has caught up. Nothing happens where it is closed. */
  send(frame: Buffer): boolean {
    return this.socket.writable && writeAtOnce(this.socket, frame);
  }

  /** Resolves at once where nothing waits to be sent, and when the connection is gone. */
  drained(): Promise<void> {
    if (this.socket.writableLength === 0 || this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.socket.off('drain', done);
        this.socket.off('close', done);
        resolve();
      };
      this.socket.on('drain', done);
      this.socket.on('close', done);
    });
  }

  opened(opened: ShellOpened): void {
    this.send(encodeJsonFrame(FROM_AGENT_PORT.OPENED, opened));
  }

  /** The last thing that is said: then the connection ends, as far as it is ours. */
  refuse({ code, message, next }: BorealisError): void {
    this.send(encodeJsonFrame(FROM_AGENT_PORT.REFUSED, { code, message, next }));
    this.end();
  }

  /**
   * Each frame as it comes, for as long as it lasts. Resolves when the other end has said all; rejects with what
   * `handler` throws, with AgentPortFrameError for what is no frame, and where the connection broke. Instead of `frames`.
   */
  receive(handler: (frame: AgentPortFrame) => void): Promise<void> {
    this.#handler = handler;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frame of waiting) this.#deliver(frame);
    if (this.#ended) this.#over.resolve();
    this.socket.resume();
    return this.#over.promise;
  }

  /** The same, as they are asked for: what is not taken is not read, and the other end waits. */
  async *frames(): AsyncGenerator<AgentPortFrame, void, void> {
    const queue: AgentPortFrame[] = [];
    let bytes = 0;
    let wake: () => void = () => undefined;
    let over = false;
    const received = this.receive((frame) => {
      queue.push(frame);
      bytes += frame.payload.length;
      if (bytes > WAITING_BYTES) this.pause();
      wake();
    }).finally(() => {
      over = true;
      wake();
    });
    received.catch(() => undefined); // thrown below, after what came before it
    try {
      for (;;) {
        const frame = queue.shift();
        if (frame) {
          bytes -= frame.payload.length;
          if (bytes <= WAITING_BYTES) this.resume();
          yield frame;
        } else if (over) return await received;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      // What comes after nobody takes any more is let go, not kept.
      this.#handler = () => undefined;
    }
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (this.#handler) this.socket.resume();
  }

  /** Sends what waits, then says that nothing more comes; the other end may go on. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    try {
      this.#reader.each(chunk, this.#hear);
    } catch (error) {
      this.#fail(error);
    }
  }

  #deliver(frame: AgentPortFrame): void {
    if (!this.#begun) {
      this.#begun = true;
      this.socket.pause();
      this.#first.resolve(frame);
    } else if (!this.#handler) this.#waiting.push(frame);
    else
      try {
        this.#handler(frame);
      } catch (error) {
        this.#fail(error);
      }
  }

  /** Nothing that comes after it means anything. */
  #fail(error: unknown): void {
    this.#handler = () => undefined;
    this.#over.reject(error);
  }

  #end(): void {
    this.#ended = true;
    if (this.#reader.partial) this.#over.reject(new AgentPortFrameError('It ended within a frame.'));
    else if (!this.#begun) this.#over.reject(new AgentPortFrameError('It ended without a token.'));
    else if (this.#handler) this.#over.resolve();
  }
}
