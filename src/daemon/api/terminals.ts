/**
 * Terminals over the local API: WebSockets both ways. Who may open one is decided like for any call; what is typed is
 * bytes, what is asked is parsed here, and what is shown goes out only as fast as it is read.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { z } from 'zod';
import { BorealisError } from '../../protocol/errors.ts';
import { STREAM_CLOSE, type StreamFailure, TERMINAL_MESSAGE_MAX } from '../../protocol/stream.ts';
import { writeAtOnce } from '../../sys/write-at-once.ts';
import type { Caller, TerminalEars, TerminalSocket } from '../capability.ts';
import { RequestCall } from './call.ts';
import { describeIssues } from './input.ts';
import { doorOf, type OpenSockets } from './open-sockets.ts';
import type { AnyHandler, ApiOptions } from './options.ts';
import { asBorealisError } from './problem.ts';
import type { Route } from './route.ts';

/** Requests are a few numbers. */
const REQUEST_LIMIT = 4_096;
/** Unsent bytes of one viewer above which it is shown nothing more for the moment. */
const HIGH_WATER = 1_048_576;
/** Their length fits into the second byte of a message. */
const SMALL_BYTES = 125;

/** An upgrade that was let in, and is not answered yet. */
export interface Knock {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  readonly route: Route;
  readonly caller: Caller;
  readonly input: unknown;
}

export class Terminals {
  readonly #options: ApiOptions;
  readonly #stopping: AbortSignal;
  readonly #open: OpenSockets;
  readonly #wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: TERMINAL_MESSAGE_MAX,
    perMessageDeflate: false,
  });

  constructor(options: ApiOptions, stopping: AbortSignal, open: OpenSockets) {
    this.#options = options;
    this.#stopping = stopping;
    this.#open = open;
  }

  /** Runs the handler to its end. Errors: those that it throws before it accepts the viewer. */
  async open(knock: Knock): Promise<void> {
    const { handlers, trail, log } = this.#options;
    const { route, socket } = knock;
    const hungUp = new AbortController();
    const signal = AbortSignal.any([hungUp.signal, this.#stopping]);
    const call = new RequestCall(knock.caller, route.name, trail, () => signal);
    const leave = (): void => hungUp.abort(new BorealisError('CANCELLED'));
    socket.once('close', leave);
    const viewer = new Viewer(knock, hungUp, this.#wss, this.#open, this.#options);
    try {
      await (handlers[route.name] as AnyHandler)(knock.input, call, viewer);
      if (!viewer.accepted) throw new BorealisError('INTERNAL', { detail: 'Nobody opened the terminal.' });
      viewer.close();
    } catch (thrown) {
      if (!viewer.accepted) throw thrown;
      if (signal.aborted) return;
      const { error, unexpected } = asBorealisError(thrown);
      if (unexpected) log.error({ err: thrown }, 'a terminal failed unexpectedly');
      viewer.fail(error);
    } finally {
      socket.off('close', leave);
      hungUp.abort();
    }
  }
}

class Viewer implements TerminalSocket {
  readonly #knock: Knock;
  readonly #hungUp: AbortController;
  readonly #wss: WebSocketServer;
  readonly #open: OpenSockets;
  readonly #options: ApiOptions;
  #ws: WebSocket | undefined;
  #ears: TerminalEars<unknown> | undefined;
  #congested = false;

  constructor(
    knock: Knock,
    hungUp: AbortController,
    wss: WebSocketServer,
    open: OpenSockets,
    options: ApiOptions,
  ) {
    this.#knock = knock;
    this.#hungUp = hungUp;
    this.#wss = wss;
    this.#open = open;
    this.#options = options;
  }

  get accepted(): boolean {
    return this.#ears !== undefined;
  }

  get caller(): Caller | null {
    return this.#options.gate.passes(this.#knock.socket, doorOf(this.#knock.route)) ?? null;
  }

  accept(ears: TerminalEars<unknown>): boolean {
    const { request, socket, head, route } = this.#knock;
    this.#ears = ears;
    if (socket.destroyed) return false;
    // Answered at once, or refused because it is no handshake; then nobody is called.
    this.#wss.handleUpgrade(request, socket, head, (ws) => {
      this.#ws = ws;
      this.#open.add(ws, {
        socket,
        route,
        hungUp: this.#hungUp,
        alive: true,
        rechecked: () => ears.rechecked(),
      });
      ws.on('message', (data, binary) => this.#heard(data as Buffer, binary));
    });
    if (!this.#ws) this.#hungUp.abort(new BorealisError('CANCELLED'));
    return this.#ws !== undefined;
  }

  #heard(data: Buffer, binary: boolean): void {
    if (this.#ws?.readyState !== WebSocket.OPEN) return;
    if (binary) {
      if (data.length > 0) this.#ears?.typed(data);
      return;
    }
    try {
      this.#ears?.asked(parseRequest(this.#knock.route, data));
    } catch (thrown) {
      this.fail(asBorealisError(thrown).error);
    }
  }

  tell(notice: unknown): boolean {
    if (this.#options.checkOutput) this.#knock.route.operation.output.parse(notice);
    return this.#send(JSON.stringify(notice));
  }

  show(bytes: Uint8Array): boolean {
    return this.#send(bytes);
  }

  #send(message: string | Uint8Array): boolean {
    const ws = this.#ws;
    if (ws?.readyState !== WebSocket.OPEN) return true;
    // Without ws, which keeps nothing back: they stay in order.
    if (typeof message !== 'string' && message.length <= SMALL_BYTES)
      writeAtOnce(this.#knock.socket, smallMessage(message));
    else ws.send(message);
    if (ws.bufferedAmount > HIGH_WATER) this.#wait();
    return !this.#congested;
  }

  /** Until it has read all of it. */
  #wait(): void {
    if (this.#congested) return;
    this.#congested = true;
    this.#knock.socket.once('drain', () => {
      this.#congested = false;
      if (this.#ws?.readyState === WebSocket.OPEN) this.#ears?.drained();
    });
  }

  pause(): void {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.pause();
  }

  resume(): void {
    this.#ws?.resume();
  }

  close(): void {
    this.#ws?.close(STREAM_CLOSE.done);
    // Whoever is paused would never answer that.
    this.#ws?.resume();
  }

  fail({ code, message, next }: BorealisError): void {
    const ws = this.#ws;
    if (ws?.readyState !== WebSocket.OPEN) return;
    ws.send(JSON.stringify({ error: { code, message, next } } satisfies StreamFailure));
    ws.close(STREAM_CLOSE.failed, code);
    ws.resume();
    this.#hungUp.abort(new BorealisError('CANCELLED'));
  }
}

/** A whole binary message of a server, of at most SMALL_BYTES (RFC 6455, 5.2). */
const smallMessage = (bytes: Uint8Array): Buffer => {
  const message = Buffer.allocUnsafe(2 + bytes.length);
  message[0] = 0x82;
  message[1] = bytes.length;
  message.set(bytes, 2);
  return message;
};

/** Errors: INVALID_INPUT. */
const parseRequest = (route: Route, data: Buffer): unknown => {
  const schema: z.ZodType | undefined = route.operation.request;
  if (!schema || data.length > REQUEST_LIMIT) throw invalid('A request is too long.');
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch (cause) {
    throw invalid('A text message is not JSON; what is typed goes into binary messages.', cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(describeIssues(parsed.error.issues));
  return parsed.data;
};

const invalid = (detail: string, cause?: unknown): BorealisError =>
  new BorealisError('INVALID_INPUT', { detail, cause });
