/** The streams of the local API: WebSockets on the operations' own paths. Messages go out only as fast as they are read. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { parse as parseQuery } from 'node:querystring';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { BorealisError } from '../../protocol/errors.ts';
import { STREAM_CLOSE, type StreamFailure } from '../../protocol/stream.ts';
import { RequestCall } from './call.ts';
import { readInput } from './input.ts';
import { asBorealisError, rawProblem } from './problem.ts';
import { type Route, routes } from './route.ts';
import type { AnyHandler, ApiOptions } from './server.ts';

/** Watchers have nothing to say. */
const INBOUND_LIMIT = 4_096;
/** Unsent bytes of one watcher above which nothing more is fetched for it. */
const HIGH_WATER = 1_048_576;
const PING_MS = 30_000;

interface Watcher {
  readonly socket: Socket;
  readonly route: Route;
  readonly hungUp: AbortController;
  /** Heard since the last ping. */
  alive: boolean;
}

export class Streams {
  readonly #options: ApiOptions;
  readonly #stopping: AbortSignal;
  readonly #wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: INBOUND_LIMIT,
    perMessageDeflate: false,
  });
  readonly #watchers = new Map<WebSocket, Watcher>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: ApiOptions, stopping: AbortSignal) {
    this.#options = options;
    this.#stopping = stopping;
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** For the server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Kept for good: who hangs up while the refusal is being written breaks the connection only after that.
    socket.on('error', ignoreHangUp);
    this.#open(request, socket as Socket, head).catch((error) => this.#refuse(socket, error));
  }

  async #open(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const { gate, handlers, trail } = this.#options;
    const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
    const found = matchStream(path);
    const door = found
      ? { action: found.route.name, role: found.route.operation.role }
      : ({ action: `UPGRADE ${path}`.slice(0, 200), role: 'viewer' } as const);
    const caller = await gate.admit(socket, door);
    const handler = found && (handlers[found.route.name] as AnyHandler | undefined);
    if (!handler) throw new BorealisError('NO_SUCH_OPERATION', { detail: 'No stream is at that path.' });
    const { route, fields } = found;
    const input = readInput(route, fields, parseQuery(search), undefined);
    const hungUp = new AbortController();
    const call = new RequestCall(caller, route.name, trail, () =>
      AbortSignal.any([hungUp.signal, this.#stopping]),
    );
    const source = (handler(input, call) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    // Asked for before the handshake is answered: whoever sees the stream open misses nothing from then on, and what
    // is wrong with the request (found without waiting) is still answered as a problem.
    const first = source.next();
    try {
      await Promise.race([first, new Promise((resolve) => setImmediate(resolve))]);
    } catch (error) {
      hungUp.abort();
      throw error;
    }
    first.catch(() => {
      // Met again below, where it ends the stream.
    });
    if (socket.destroyed) {
      hungUp.abort();
      void source.return?.();
      return;
    }
    this.#wss.handleUpgrade(request, socket, head, (ws) => {
      const watcher: Watcher = { socket, route, hungUp, alive: true };
      this.#attach(ws, watcher);
      void this.#pump(ws, watcher, source, first);
    });
  }

  #attach(ws: WebSocket, watcher: Watcher): void {
    this.#watchers.set(ws, watcher);
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.pingMs ?? PING_MS).unref();
    ws.on('pong', () => {
      watcher.alive = true;
    });
    ws.on('error', (error) => this.#options.log.debug({ err: error }, 'a watcher broke off'));
    ws.on('close', () => {
      this.#watchers.delete(ws);
      watcher.hungUp.abort(new BorealisError('CANCELLED'));
      if (this.#watchers.size > 0) return;
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
    });
  }

  async #pump(
    ws: WebSocket,
    { route, hungUp }: Watcher,
    source: AsyncIterator<unknown>,
    first: Promise<IteratorResult<unknown>>,
  ): Promise<void> {
    try {
      for (let step = await first; !step.done; step = await source.next()) {
        if (this.#options.checkOutput) route.operation.output.parse(step.value);
        if (ws.readyState !== WebSocket.OPEN) break;
        const sent = send(ws, JSON.stringify(step.value));
        if (ws.bufferedAmount > HIGH_WATER) await sent;
      }
      ws.close(STREAM_CLOSE.done);
    } catch (thrown) {
      if (!hungUp.signal.aborted && !this.#stopping.aborted) this.#failed(ws, thrown);
    } finally {
      hungUp.abort();
      source.return?.().catch((error: unknown) => {
        this.#options.log.error({ err: error, operation: route.name }, 'a stream did not end cleanly');
      });
    }
  }

  #failed(ws: WebSocket, thrown: unknown): void {
    const { error, unexpected } = asBorealisError(thrown);
    if (unexpected) this.#options.log.error({ err: thrown }, 'a stream failed unexpectedly');
    const { code, message, next } = error;
    void send(ws, JSON.stringify({ error: { code, message, next } } satisfies StreamFailure));
    ws.close(code === 'WATCHER_TOO_SLOW' ? STREAM_CLOSE.tooSlow : STREAM_CLOSE.failed, code);
  }

  #refuse(socket: Duplex, thrown: unknown): void {
    const { error, unexpected } = asBorealisError(thrown);
    if (unexpected) this.#options.log.error({ err: thrown }, 'a stream could not be opened');
    if (!socket.writable) return void socket.destroy();
    socket.end(rawProblem(error));
  }

  /** Ends the streams of those whose role no longer allows them. To be called when grants change. */
  recheck(): void {
    for (const [ws, { socket, route }] of this.#watchers) {
      if (this.#options.gate.passes(socket, { action: route.name, role: route.operation.role })) continue;
      ws.close(STREAM_CLOSE.forbidden, 'NOT_PERMITTED');
    }
  }

  #beat(): void {
    for (const [ws, watcher] of this.#watchers) {
      if (!watcher.alive) {
        ws.terminate();
        continue;
      }
      watcher.alive = false;
      ws.ping();
    }
  }

  /** Tells every watcher that the engine stops. */
  goAway(): void {
    for (const ws of this.#watchers.keys()) ws.close(STREAM_CLOSE.goingAway, 'ENGINE_STARTING');
  }

  cut(): void {
    for (const ws of this.#watchers.keys()) ws.terminate();
  }
}

/** A connection that breaks is nobody's concern but its own; ws hears of it as well, once it has taken over. */
const ignoreHangUp = (): void => {};

const streamRoutes = routes.filter((route) => route.operation.transport === 'stream');

const matchStream = (path: string): { route: Route; fields: Record<string, string> } | undefined => {
  for (const route of streamRoutes) {
    const match = route.pattern.exec(path);
    if (!match) continue;
    try {
      const fields = Object.entries(match.groups ?? {}).map(([name, text]) => [
        name,
        decodeURIComponent(text),
      ]);
      return { route, fields: Object.fromEntries(fields) };
    } catch {
      // A broken percent-encoding names nothing.
      return undefined;
    }
  }
  return undefined;
};

/** Resolves once the bytes were handed to the kernel, or the connection is gone. */
const send = (ws: WebSocket, text: string): Promise<void> =>
  new Promise((resolve) => {
    ws.send(text, () => resolve());
  });
