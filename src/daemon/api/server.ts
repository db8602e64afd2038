/** The local API: HTTP over the engine's Unix socket. Routes, authorisation and parsing come from the operations. */
import type { Server } from 'node:http';
import type { Readable } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Call, UploadCall } from '../capability.ts';
import { RequestCall } from './call.ts';
import type { Door } from './gate.ts';
import { PASSPHRASE_HEADER, readInput, readPassphrase } from './input.ts';
import { type Given, type LegacyPath, legacyPaths } from './legacy.ts';
import { listenOn, type SocketPlace } from './local-socket.ts';
import { openapiText } from './openapi.ts';
import type { AnyHandler, ApiOptions } from './options.ts';
import { asBorealisError, PROBLEM_TYPE, problemOf, rawProblem } from './problem.ts';
import { OPENAPI_PATH, type Route, routes, routesAt } from './route.ts';
import { Streams } from './streams.ts';

/** A JSON body; uploads have no limit, a stored script may be 512 KiB. */
const BODY_LIMIT = 2_097_152;
/** What is still running when the engine stops has this long. */
const DRAIN_MS = 2_000;

export class ApiServer {
  readonly #options: ApiOptions;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  readonly #streams: Streams;
  #app: FastifyInstance<Server> | undefined;

  constructor(options: ApiOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#streams = new Streams(options, this.#stopping.signal);
  }

  /** Open streams and terminals. */
  get streams(): number {
    return this.#streams.count;
  }

  /** Ends the streams of those who lost their role. To be called when grants change. */
  recheck(): void {
    this.#streams.recheck();
  }

  /** Errors: CONFIG_INVALID where something else is at the socket's path; those of bind(2). */
  async start(place: SocketPlace): Promise<void> {
    const app = Fastify({
      bodyLimit: BODY_LIMIT,
      exposeHeadRoutes: false,
      forceCloseConnections: false,
      return503OnClosing: false,
      // A slow upload is no attack here: whoever reaches the socket is known.
      requestTimeout: 0,
      routerOptions: { maxParamLength: 4_096 },
      frameworkErrors: (error, _request, reply) => this.#fail(reply, error),
      clientErrorHandler: (_error, socket) => {
        if (socket.writable)
          socket.end(rawProblem(new BorealisError('INVALID_INPUT', { detail: 'That is not HTTP.' })));
        else socket.destroy();
      },
    });
    this.#app = app;
    app.setErrorHandler((error, _request, reply) => this.#fail(reply, error));
    app.setNotFoundHandler((request, reply) => this.#unknown(request, reply));
    app.removeContentTypeParser('text/plain');
    for (const route of routes) {
      if (!this.#options.handlers[route.name] || route.operation.transport === 'upload') continue;
      this.#mount(app, route);
    }
    // Uploads take bytes of any type, unread: a scope of their own with no other parser.
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
      for (const route of routes) {
        if (this.#options.handlers[route.name] && route.operation.transport === 'upload')
          this.#mount(scope, route);
      }
    });
    for (const path of legacyPaths) this.#mountLegacy(app, path);
    const openapi = { action: `GET ${OPENAPI_PATH}`, role: 'viewer' } as const;
    app.get(OPENAPI_PATH, async (request, reply) => {
      await this.#options.gate.admit(request.raw.socket, openapi);
      reply.type('application/json; charset=utf-8');
      return openapiText();
    });
    await app.ready();
    app.server.on('upgrade', (request, socket, head) => this.#streams.upgrade(request, socket, head));
    await listenOn(app.server, place);
    // accept(2) may fail, where descriptors run out; who is connected stays, and the next one may get in again.
    app.server.on('error', (error) => this.#log.error({ err: error }, 'a connection could not be accepted'));
  }

  /** Stops listening, ends streams, lets requests finish for a moment, then cuts what is left. */
  async close(): Promise<void> {
    const app = this.#app;
    if (!app) return;
    this.#app = undefined;
    this.#streams.goAway();
    const drained = app.close();
    app.server.closeIdleConnections();
    const cut = setTimeout(() => {
      this.#stopping.abort(new BorealisError('ENGINE_STARTING'));
      app.server.closeAllConnections();
      this.#streams.cut();
    }, DRAIN_MS);
    await drained.finally(() => clearTimeout(cut));
  }

  #mount(app: FastifyInstance, route: Route): void {
    const { gate } = this.#options;
    const door = doorOf(route);
    app.route({
      method: route.operation.method,
      url: route.url,
      onRequest: (request, _reply, done) => {
        // The common case waits for nothing.
        if (gate.passes(request.raw.socket, door)) return done();
        gate.admit(request.raw.socket, door).then(() => done(), done);
      },
      handler: (request, reply) => this.#run(route, door, request, reply),
    });
  }

  /** Old names for the same: what may be done, and what is recorded of it, is the operation's. */
  #mountLegacy(app: FastifyInstance, { method, url, operation, given, answer }: LegacyPath): void {
    const { gate, handlers } = this.#options;
    const route = routes.find(({ name }) => name === operation);
    if (!route || !handlers[operation]) return;
    const door = doorOf(route);
    app.route({
      method,
      url,
      onRequest: async (request) => void (await gate.admit(request.raw.socket, door)),
      handler: async (request, reply) => {
        const output = await this.#answer(route, door, request, reply, given(request));
        reply.type('application/json; charset=utf-8');
        return JSON.stringify(answer(output as never));
      },
    });
  }

  async #run(route: Route, door: Door, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const path = request.params as Record<string, unknown>;
    const query = request.query as Record<string, unknown>;
    const output = await this.#answer(route, door, request, reply, { path, query, body: request.body });
    if (route.operation.transport === 'binary') {
      reply.type(route.operation.media ?? 'application/octet-stream');
      return output;
    }
    reply.type('application/json; charset=utf-8');
    return JSON.stringify(output);
  }

  /** What the operation answers to fields from there. */
  async #answer(
    route: Route,
    door: Door,
    request: FastifyRequest,
    reply: FastifyReply,
    { path, query: asked, body }: Given,
  ): Promise<unknown> {
    const { gate, handlers, store, trail, checkOutput } = this.#options;
    const { name, operation } = route;
    if (operation.transport === 'stream' || operation.transport === 'terminal')
      throw new BorealisError('WEBSOCKET_REQUIRED');
    const { socket } = request.raw;
    const caller = gate.passes(socket, door) ?? (await gate.admit(socket, door));
    const call = new RequestCall(caller, name, trail, () => this.#signalOf(reply));
    let given: Call = call;
    let query = asked;
    if (operation.transport === 'upload') {
      const passphrase = request.headers[PASSPHRASE_HEADER];
      if (passphrase !== undefined) query = { ...query, passphrase: readPassphrase(String(passphrase)) };
      given = withBody(call, request.raw);
    }
    const input = readInput(route, path, query, body);
    const output = await Promise.resolve((handlers[name] as AnyHandler)(input, given)).catch(
      async (error: unknown) => {
        const refused = error instanceof BorealisError && error.code === 'NOT_PERMITTED' && door.scope;
        throw refused ? await gate.refuse(socket, door, error) : error;
      },
    );
    if (operation.changes && !call.audited) {
      const target = route.fields.map((field) => String(path[field])).join(' ');
      await store.write((tx) => call.audit(tx, target ? { target } : {}));
    }
    if (checkOutput && operation.transport !== 'binary') operation.output.parse(output);
    return output;
  }

  #signalOf(reply: FastifyReply): AbortSignal {
    const hungUp = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) hungUp.abort(new BorealisError('CANCELLED'));
    });
    return AbortSignal.any([hungUp.signal, this.#stopping.signal]);
  }

  async #unknown(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const path = request.url.split('?', 1)[0]!;
    await this.#options.gate.admit(request.raw.socket, {
      action: `${request.method} ${path}`.slice(0, 200),
      role: 'viewer',
    });
    const methods = routesAt(path).map((route) => route.operation.method);
    if (methods.length === 0 || methods.includes(request.method as (typeof methods)[number])) {
      throw new BorealisError('NO_SUCH_OPERATION');
    }
    reply.header('allow', methods.join(', '));
    throw new BorealisError('METHOD_NOT_ALLOWED', { detail: `It takes ${methods.join(', ')}.` });
  }

  #fail(reply: FastifyReply, thrown: unknown): void {
    const { error, unexpected } = asBorealisError(thrown);
    if (unexpected) this.#log.error({ err: thrown }, 'an operation failed unexpectedly');
    // Whatever of a body has not been read is not worth reading any more.
    if (!reply.request.raw.complete) reply.header('connection', 'close');
    reply
      .code(error.status)
      .type(PROBLEM_TYPE)
      .serializer(asIs)
      .send(JSON.stringify(problemOf(error)));
  }
}

const asIs = (text: unknown): string => String(text);

const withBody = (call: RequestCall, body: Readable): UploadCall => ({
  caller: call.caller,
  get signal() {
    return call.signal;
  },
  audit: (tx, record) => call.audit(tx, record),
  body,
});

const doorOf = ({ name, operation: { role, scope } }: Route): Door => ({ action: name, role, scope });
