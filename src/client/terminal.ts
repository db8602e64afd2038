/**
 * A terminal of the local API: a WebSocket both ways over the engine's Unix socket. Binary messages are a terminal's bytes,
 * text messages JSON. Read only as fast as it is consumed; who types faster than it is taken is told to wait.
 */
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { BorealisError } from '../protocol/errors.ts';
import type { TERMINAL_MESSAGE_MAX } from '../protocol/stream.ts';
import { writeAtOnce } from '../sys/write-at-once.ts';
import { problemError } from './problem.ts';
import { closeError, readMessage } from './stream.ts';
import { TYPED_MESSAGE_MAX, typedMessage } from './typed-message.ts';
import { unreachable } from './unreachable.ts';

/** The protocol's own brings its schemas along; this one is held equal to it by its type. */
const MESSAGE_MAX = 65_536 satisfies typeof TERMINAL_MESSAGE_MAX;
/** Bytes that may wait to be consumed before the connection is paused. */
const READ_HIGH_WATER = 262_144;
/** Bytes that may wait to be sent before `type` says that it is enough. */
const WRITE_HIGH_WATER = 262_144;

export class ApiTerminal<O, R> {
  readonly #socketPath: string;
  /** Beneath `#ws`. */
  readonly #socket: Socket;
  readonly #ws: WebSocket;
  readonly #waiting: (Buffer | O)[] = [];
  #waitingBytes = 0;
  #end: { readonly error: Error | null } | undefined;
  #wake = (): void => {};
  /** While somebody waits for the next message: whom bytes are handed to first. */
  #atOnce: ((bytes: Buffer) => boolean) | undefined;
  #drained: PromiseWithResolvers<void> | undefined;

  private constructor(socketPath: string, socket: Socket, ws: WebSocket) {
    this.#socketPath = socketPath;
    this.#socket = socket;
    this.#ws = ws;
    ws.on('message', (data, binary) => this.#heard(data as Buffer, binary));
    ws.on('error', (error) => this.#finish(unreachable(this.#socketPath, error)));
    ws.on('close', (code) => this.#finish(closeError(code, this.#socketPath)));
  }

  /**
   * Resolves when the engine has let us in. `path` with its query. Errors: ENGINE_UNREACHABLE, ENGINE_STARTING, those
   * that the operation refuses with, CANCELLED where `signal` is aborted before; afterwards it ends as if closed.
   */
  static open<O, R>(socketPath: string, path: string, signal?: AbortSignal): Promise<ApiTerminal<O, R>> {
    const { promise, resolve, reject } = Promise.withResolvers<ApiTerminal<O, R>>();
    const socket = connect(socketPath);
    const ws = new WebSocket(`ws://borealis${path}`, {
      // A path in the URL, as ws has it, ends at the first colon.
      createConnection: () => socket,
      perMessageDeflate: false,
      handshakeTimeout: 60_000,
    });
    ws.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('close', () => {
        reject(problemError(response.statusCode ?? 0, Buffer.concat(chunks).toString()));
        ws.terminate();
      });
    });
    // Before it is open only: then the promise is settled.
    ws.on('error', (error) => reject(unreachable(socketPath, error)));
    ws.on('close', (code) => reject(closeError(code, socketPath) ?? unreachable(socketPath, new Error())));
    // Heard from the first message on, which may come along with the answer.
    const terminal = new ApiTerminal<O, R>(socketPath, socket, ws);
    ws.on('open', () => resolve(terminal));
    const onAbort = (): void => {
      reject(new BorealisError('CANCELLED'));
      terminal.close();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    ws.on('close', () => signal?.removeEventListener('abort', onAbort));
    if (signal?.aborted) onAbort();
    return promise;
  }

  #heard(data: Buffer, binary: boolean): void {
    if (this.#end) return;
    if (binary && this.#atOnce?.(data)) return;
    this.#atOnce = undefined;
    try {
      this.#waiting.push(binary ? data : readMessage<O>(data.toString('utf8')));
    } catch (error) {
      // What the engine failed with; its end of the connection follows.
      return void this.#finish(error as Error);
    }
    this.#waitingBytes += data.length;
    if (this.#waitingBytes >= READ_HIGH_WATER) this.#ws.pause();
    this.#wake();
  }

  #finish(error: Error | null): void {
    this.#end ??= { error };
    this.#drained?.resolve();
    this.#wake();
  }

  /**
   * Bytes for a terminal, and what the engine says, in their order. Ends as the engine ends it; errors as a stream's.
   * `atOnce` is handed bytes as they come where nothing waits before them: an echo. What it does not take, by false,
   * comes as a message.
   */
  async *messages(atOnce?: (bytes: Buffer) => boolean): AsyncGenerator<Buffer | O, void, undefined> {
    try {
      for (;;) {
        const message = this.#waiting.shift();
        if (message !== undefined) {
          if (Buffer.isBuffer(message)) this.#waitingBytes -= message.length;
          // Text is small; it is counted only so that it cannot come without end.
          if (this.#waiting.length === 0) this.#waitingBytes = 0;
          if (this.#waitingBytes < READ_HIGH_WATER / 2 && this.#ws.isPaused) this.#ws.resume();
          yield message;
        } else if (this.#end) {
          if (this.#end.error) throw this.#end.error;
          return;
        } else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          this.#atOnce = atOnce;
          await promise;
        }
      }
    } finally {
      this.#atOnce = undefined;
      this.close();
    }
  }

  /** False where nothing more is to be typed until `drained` resolves. What is typed after the end is nobody's. */
  type(bytes: Uint8Array): boolean {
    if (bytes.length === 0 || this.#ws.readyState !== WebSocket.OPEN) return true;
    // Without ws, which keeps nothing back: they stay in order.
    if (bytes.length <= TYPED_MESSAGE_MAX) writeAtOnce(this.#socket, typedMessage(bytes));
    else
      for (let at = 0; at < bytes.length; at += MESSAGE_MAX)
        this.#ws.send(bytes.subarray(at, at + MESSAGE_MAX));
    if (this.#ws.bufferedAmount <= WRITE_HIGH_WATER) return this.#drained === undefined;
    if (!this.#drained) {
      this.#drained = Promise.withResolvers();
      this.#socket.once('drain', () => {
        this.#drained?.resolve();
        this.#drained = undefined;
      });
    }
    return false;
  }

  /** Resolves when what was typed is on its way, or the connection has ended. */
  async drained(): Promise<void> {
    await this.#drained?.promise;
  }

  ask(request: R): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(request));
  }

  /** Takes no more; `messages` ends with what has come. */
  close(): void {
    this.#finish(null);
    this.#ws.terminate();
  }
}
