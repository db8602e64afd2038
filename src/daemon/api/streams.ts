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
import { doorOf, OpenSockets, send, type Watcher } from './open-sockets.ts';
import type { AnyHandler, ApiOptions } from './options.ts';
import { asBorealisError, rawProblem } from './problem.ts';
import { type Route, routes } from './route.ts';
import { Terminals } from './terminals.ts';

/** Watchers have nothing to say. */
const INBOUND_LIMIT = 4_096;
/** Unsent bytes of one watcher above which nothing more is fetched for it. */
const HIGH_WATER = 1_048_576;

export class Streams {
  readonly #options: ApiOptions;
  readonly #stopping: AbortSignal;
  readonly #wss = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: INBOUND_LIMIT,
    perMessageDeflate: false,
  });
  readonly #open: OpenSockets;
  readonly #terminals: Terminals;

  constructor(options: ApiOptions, stopping: AbortSignal) {
    this.#options = options;
    this.#stopping = stopping;
    this.#open = new OpenSockets(options);
    this.#terminals = new Terminals(options, stopping, this.#open);
  }

  get count(): number {
    return this.#open.count;
  }

  /** For the server's `upgrade` event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Kept for good: who hangs up while the refusal is being written breaks the connection only after that.
    socket.on('error', ignoreHangUp);
    this.#enter(request, socket as Socket, head).catch((error) => this.#refuse(socket, error));
  }

  async #enter(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const { gate, handlers, trail } = this.#options;
    const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
    const found = matchStream(path);
    const door = found
      ? doorOf(found.route)
      : ({ action: `UPGRADE ${path}`.slice(0, 200), role: 'viewer' } as const);
    const caller = await gate.admit(socket, door);
    const handler = found && (handlers[found.route.name] as AnyHandler | undefined);
    if (!handler) throw new BorealisError('NO_SUCH_OPERATION', { detail: 'No stream is at that path.' });
    const { route, fields } = found;
    const input = readInput(route, fields, parseQuery(search), undefined);
    if (route.operation.transport === 'terminal')
      return this.#terminals.open({ request, socket, head, route, caller, input });
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
      this.#open.add(ws, watcher);
      void this.#pump(ws, watcher, source, first);
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
    this.#open.recheck();
  }

  /** Tells every watcher that the engine stops. */
  goAway(): void {
    this.#open.goAway();
  }

  cut(): void {
    this.#open.cut();
  }
}

/** A connection that breaks is nobody's concern but its own; ws hears of it as well, once it has taken over. */
const ignoreHangUp = (): void => {};

const streamRoutes = routes.filter(
  ({ operation: { transport } }) => transport === 'stream' || transport === 'terminal',
);

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
