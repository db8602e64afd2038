/**
 * The agents' listener: HTTPS, TLS 1.3 only, certificates asked of everybody and demanded per path. Plain node:https:
 * six fixed paths want no router, and the raw socket is needed for TLS exporters and for handing the channel over.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { AGENT_PATHS } from '../../protocol/enrolment.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { RELAY_PATH } from '../../protocol/tunnel-session.ts';
import { descriptorLimit } from '../../sys/descriptors.ts';
import { keepIdleBuffersSmall } from '../../sys/malloc.ts';
import { portHolder } from '../../sys/ports.ts';
import { asBorealisError } from '../api/problem.ts';
import type { ChannelAcceptor } from '../channel/accept.ts';
import type { Authenticator } from '../trust/authenticator.ts';
import type { TlsIdentity } from '../trust/tls-identity.ts';
import { plainAddress } from './address.ts';
import { refuseUpgrade, sendJson, sendProblem } from './answer.ts';
import { readJson } from './body.ts';
import { FreedMemory } from './freed-memory.ts';
import type { AgentRequest, AgentRoute } from './route.ts';
import { type Room, roomFor, Strangers } from './strangers.ts';

/**
 * Milliseconds. Whoever is slower is cut: TLS handshake, then headers, then the whole request. A fleet that comes back at once
 * waits for its turn meanwhile: whom a limit cuts then begins anew, and makes the others wait longer.
 */
export interface ListenerLimits {
  readonly handshake: number;
  readonly headers: number;
  readonly request: number;
  /** Between two requests on one connection: long enough for an agent that polls for its approval. */
  readonly idle: number;
  /** How often the limits of requests are looked at. */
  readonly check: number;
}
const LIMITS: ListenerLimits = {
  handshake: 30_000,
  headers: 30_000,
  request: 40_000,
  idle: 15_000,
  check: 2_000,
};
const HEADER_BYTES = 16_384;
/** Connections that the kernel may hold ready: a fleet comes back all at once. */
const BACKLOG = 4_096;
const DRAIN_MS = 1_000;

export interface AgentListenerParts {
  readonly identity: TlsIdentity;
  readonly authenticator: Authenticator;
  readonly routes: readonly AgentRoute[];
  readonly channels: ChannelAcceptor;
  /** Of tunnels whose UDP is blocked. */
  readonly relay: ChannelAcceptor;
  readonly log: Logger;
  readonly limits?: ListenerLimits;
  readonly room?: Room;
}

export class AgentListener {
  readonly #parts: AgentListenerParts;
  readonly #routes: ReadonlyMap<string, AgentRoute>;
  readonly #freedMemory = new FreedMemory();
  readonly #room: Room;
  readonly #strangers: Strangers;
  #server: Server | undefined;
  #address: AddressInfo | undefined;

  constructor(parts: AgentListenerParts) {
    this.#parts = parts;
    this.#routes = new Map(parts.routes.map((route) => [route.path, route]));
    this.#room = parts.room ?? roomFor(descriptorLimit());
    this.#strangers = new Strangers(this.#room.strangers);
  }

  /** Where it listens; port 0 was replaced by what the system chose. Undefined before `start` and after `close`. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    return this.#address && { host: this.#address.address, port: this.#address.port };
  }

  /** Errors: PORT_TAKEN with the holder's name, NEEDS_ROOT, and those of listen(2). */
  async start({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
    const { identity, log, limits = LIMITS } = this.#parts;
    keepIdleBuffersSmall();
    const server = createServer({
      ...identity.options(),
      requestCert: true,
      // Enrolling agents have no certificate yet; every other path demands one (authenticator.ts).
      rejectUnauthorized: false,
      handshakeTimeout: limits.handshake,
      headersTimeout: limits.headers,
      requestTimeout: limits.request,
      keepAliveTimeout: limits.idle,
      connectionsCheckingInterval: limits.check,
      maxHeaderSize: HEADER_BYTES,
      noDelay: true,
    });
    server.maxHeadersCount = 64;
    server.maxConnections = this.#room.connections;
    server.on('connection', (socket) => this.#connected(socket as Socket));
    server.on('drop', () => log.warn({ room: this.#room }, 'a connection was refused: no room for more'));
    server.on('request', (request, response) => void this.#serve(request, response));
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    server.on('tlsClientError', (error, socket) => {
      log.debug({ err: error, address: socket.remoteAddress }, 'TLS handshake failed');
    });
    await listen(server, host, port).catch((error: unknown) => this.#explain(error, port));
    // accept(2) fails where descriptors run out; those who are connected stay, and the next one may get in again.
    server.on('error', (error) => log.error({ err: error }, 'a connection could not be accepted'));
    this.#server = server;
    this.#address = server.address() as AddressInfo;
    identity.start((options) => server.setSecureContext(options));
    this.#freedMemory.start();
  }

  /** Stops listening and ends what is not a channel; channels are their owner's to end. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    this.#address = undefined;
    this.#parts.identity.close();
    this.#freedMemory.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.close(() => resolve());
    server.closeIdleConnections();
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    // `close` also waits for upgraded sockets, which the server does not count among its connections.
    const waited = setTimeout(resolve, DRAIN_MS + 100);
    await promise;
    clearTimeout(cut);
    clearTimeout(waited);
  }

  #connected(socket: Socket): void {
    this.#freedMemory.note();
    if (this.#strangers.admit(socket)) return;
    const { log } = this.#parts;
    log.warn(
      { address: socket.remoteAddress, strangers: this.#strangers.count },
      'a connection was refused: too many have not shown yet whose they are',
    );
    socket.destroy();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const request = requestOf(incoming);
      const route = this.#routes.get(request.path);
      if (!route) throw new BorealisError('NO_SUCH_OPERATION', { next: 'Update the agent.' });
      if (request.method !== 'POST')
        throw new BorealisError('METHOD_NOT_ALLOWED', { detail: 'It takes POST.' });
      route.admit?.(request);
      sendJson(response, await route.answer(await readJson(incoming), request));
    } catch (thrown) {
      const error = this.#judge(thrown, incoming);
      if (!response.headersSent && !response.destroyed) sendProblem(response, error, incoming.complete);
    }
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', ignoreHangUp);
    try {
      const request = requestOf(incoming);
      const acceptor = this.#acceptorOf(request);
      if (!acceptor) throw new BorealisError('NO_SUCH_OPERATION', { next: 'Update the agent.' });
      const agent = await this.#parts.authenticator.authenticateAgent(request);
      if (socket.destroyed) return;
      this.#strangers.known(request.socket);
      acceptor.accept(incoming, socket, head, agent);
      socket.off('error', ignoreHangUp);
    } catch (thrown) {
      refuseUpgrade(socket, this.#judge(thrown, incoming));
    }
  }

  #acceptorOf({ path, method }: AgentRequest): ChannelAcceptor | undefined {
    if (method !== 'GET') return undefined;
    return { [AGENT_PATHS.channel]: this.#parts.channels, [RELAY_PATH]: this.#parts.relay }[path];
  }

  #judge(thrown: unknown, incoming: IncomingMessage): BorealisError {
    const { error, unexpected } = asBorealisError(thrown);
    const { log } = this.#parts;
    const where = { address: addressOf(incoming), path: pathOf(incoming), code: error.code };
    // A peer that hung up in the middle of its body is no fault of the engine.
    if (unexpected && !incoming.destroyed)
      log.error({ ...where, err: thrown }, 'a request of an agent failed');
    else log.info(where, 'a request of an agent was refused');
    return error;
  }

  async #explain(error: unknown, port: number): Promise<never> {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      const holder = await portHolder(port, 'tcp');
      const detail = `TCP port ${port}${holder?.pid ? ` is held by ${holder.command} (pid ${holder.pid})` : ''}.`;
      throw new BorealisError('PORT_TAKEN', { detail, cause: error });
    }
    if (code === 'EACCES') {
      const detail = `Port ${port} may be used by root only.`;
      throw new BorealisError('NEEDS_ROOT', {
        detail,
        next: 'Set a port above 1023 with --listen.',
        cause: error,
      });
    }
    throw error;
  }
}

const listen = async (server: Server, host: string, port: number): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port, backlog: BACKLOG }, resolve);
  await promise;
  server.off('error', reject);
};

/** A peer that leaves while it is looked at is no error of ours. */
const ignoreHangUp = (): void => {};

const pathOf = (incoming: IncomingMessage): string => (incoming.url ?? '').split('?', 1)[0]!.slice(0, 200);

const addressOf = (incoming: IncomingMessage): string =>
  plainAddress(incoming.socket.remoteAddress ?? 'unknown');

const requestOf = (incoming: IncomingMessage): AgentRequest => ({
  method: incoming.method ?? '',
  path: pathOf(incoming),
  socket: incoming.socket as TLSSocket,
  headers: incoming.headers,
  address: addressOf(incoming),
});
