/**
 * An engine that does what a test tells it to, for attacks that an honest engine never makes. Real TLS, real
 * WebSockets, real certificates; only its judgement is the test's.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type Authority,
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
  loadAuthority,
} from '../../src/crypto/ca.ts';
import { generateEd25519, nobleEd25519 } from '../../src/crypto/ed25519.ts';
import { openEnvelope, sealEnvelope } from '../../src/crypto/envelope.ts';
import { jwkThumbprint } from '../../src/crypto/keys.ts';
import {
  COMMAND_TYPE,
  type CommandClaims,
  RESULT_TYPE,
  type ResultClaims,
} from '../../src/protocol/command.ts';
import { AGENT_PATHS } from '../../src/protocol/enrolment.ts';
import { BorealisError, type ErrorCode } from '../../src/protocol/errors.ts';
import {
  CHANNEL_PROTOCOL,
  FRAME_MAX_BYTES,
  type FromAgent,
  fromAgent,
  type ToAgent,
} from '../../src/protocol/frame.ts';
import type { AgentContext } from '../../src/protocol/scalars.ts';

const DAY_MS = 86_400_000;

export interface Answer {
  readonly status: number;
  readonly body: object;
}
export interface Request {
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
  readonly socket: TLSSocket;
}
export type Handler = (request: Request) => Answer | Promise<Answer>;

export const refused = (code: ErrorCode): Answer => {
  const error = new BorealisError(code);
  return { status: error.status, body: { code, detail: error.message, next: error.next } };
};

/** One agent's connection, seen from the engine. */
export class Peer {
  readonly socket: WebSocket;
  readonly headers: IncomingMessage['headers'];
  readonly resumed: boolean;
  readonly frames: FromAgent[] = [];
  /** Whether results are acknowledged as they come. */
  acknowledges = false;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket;
    this.headers = request.headers;
    this.resumed = (request.socket as TLSSocket).isSessionReused();
    // Many may wait for something at once.
    socket.setMaxListeners(0);
    this.closed = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
    );
    socket.on('message', (data, isBinary) => {
      if (isBinary) throw new Error('the agent sent a binary message');
      // Whatever the agent says must be of the protocol: an honest engine would hang up.
      this.frames.push(fromAgent.parse(JSON.parse(data.toString())));
      const frame = this.frames.at(-1);
      if (frame?.type === 'PING') this.send({ type: 'PONG', t: frame.t });
      if (frame?.type === 'RESULT' && this.acknowledges)
        this.send({ type: 'RESULT_ACK', corr_id: frame.corr_id });
      this.#emitter.emit('frame');
    });
    // A broken connection is seen as its close.
    socket.on('error', () => undefined);
  }

  send(frame: ToAgent): void {
    this.socket.send(JSON.stringify(frame));
  }

  welcome(change: Partial<Extract<ToAgent, { type: 'WELCOME' }>> = {}): void {
    this.send({
      type: 'WELCOME',
      engine_version: 'double',
      now: new Date().toISOString(),
      heartbeat_ms: 15_000,
      telemetry_ms: 30_000,
      ...change,
    });
  }

  /** The first frame, come or still to come, that fits. */
  async frame<T extends FromAgent['type']>(
    type: T,
    fits: (frame: Extract<FromAgent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<FromAgent, { type: T }>> {
    for (;;) {
      const found = this.all(type).find(fits);
      if (found) return found;
      await Promise.race([
        once(this.#emitter, 'frame'),
        this.closed.then((end) =>
          Promise.reject(new Error(`closed with ${end.code} ${end.reason} while waiting for ${type}`)),
        ),
      ]);
    }
  }

  all<T extends FromAgent['type']>(type: T): Extract<FromAgent, { type: T }>[] {
    return this.frames.filter((frame): frame is Extract<FromAgent, { type: T }> => frame.type === type);
  }

  /** Resolves once the agent has dealt with all that was sent before. */
  async settled(): Promise<void> {
    const t = randomBytes(4).readUInt32BE();
    this.send({ type: 'PING', t });
    await this.frame('PONG', (pong) => pong.t === t);
  }
}

export interface Enrolled {
  readonly guid: string;
  readonly context: AgentContext;
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly certificate: string;
}

/** Ed25519; `keyId` where it is not the thumbprint of the key. */
export interface Signing {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly keyId?: string;
}

export class EngineDouble {
  readonly authority: Authority;
  readonly signing: Signing;
  readonly signingKeyId: string;
  readonly handlers: Record<string, Handler> = {};
  /** What to do with a new channel; says WELCOME after HELLO unless told otherwise. */
  onPeer: (peer: Peer) => void = (peer) =>
    void peer.frame('HELLO').then(
      () => peer.welcome(),
      () => undefined,
    );
  /** Refuses upgrades with this, while set. */
  refuseChannel: Answer | undefined;
  /** Connections whose TLS handshake was finished; and all. */
  readonly connections: TLSSocket[] = [];
  readonly rawConnections: Socket[] = [];
  requests = 0;
  readonly peers: Peer[] = [];
  readonly #server: Server;
  readonly #emitter = new EventEmitter().setMaxListeners(0);

  private constructor(authority: Authority, server: Server, signing: Signing = generateEd25519()) {
    this.authority = authority;
    this.signing = signing;
    this.signingKeyId = signing.keyId ?? jwkThumbprint(signing.publicKey);
    this.#server = server;
    const sockets = new WebSocketServer({
      noServer: true,
      maxPayload: FRAME_MAX_BYTES,
      handleProtocols: (offered) => (offered.has(CHANNEL_PROTOCOL) ? CHANNEL_PROTOCOL : false),
    });
    server.on('connection', (socket: Socket) => this.rawConnections.push(socket));
    server.on('secureConnection', (socket: TLSSocket) => this.connections.push(socket));
    server.on('request', async (request, response) => {
      this.requests += 1;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const handler = this.handlers[request.url ?? ''];
      const body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
      const answer = handler
        ? await handler({ headers: request.headers, body, socket: request.socket as TLSSocket })
        : refused('NO_SUCH_OPERATION');
      response
        .writeHead(answer.status, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.body));
    });
    server.on('upgrade', (request, socket, head) => {
      if (request.url !== AGENT_PATHS.channel || this.refuseChannel) {
        const { status, body } = this.refuseChannel ?? refused('NO_SUCH_OPERATION');
        const text = JSON.stringify(body);
        socket.end(
          `HTTP/1.1 ${status} Refused\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
        );
        return;
      }
      sockets.handleUpgrade(request, socket, head, (ws) => {
        const peer = new Peer(ws, request);
        this.peers.push(peer);
        this.onPeer(peer);
        this.#emitter.emit('peer', peer);
      });
    });
  }

  /** `authority` and `signing`: those of another engine, to be its twin; `leaf`: who issues its certificate instead; `at`: when. */
  static async start(
    options: { authority?: Authority; signing?: Signing; port?: number; leaf?: Authority; at?: Date } = {},
  ): Promise<EngineDouble> {
    const now = new Date();
    const authority =
      options.authority ??
      (await loadAuthority(
        await createAuthority({ now: new Date(now.getTime() - 90 * DAY_MS), commonName: 'Borealis CA' }),
      ));
    const { certificatePem, privateKeyPem } = await issueServerCertificate(options.leaf ?? authority, {
      names: [],
      addresses: [],
      now: options.at ?? now,
      days: 30,
    });
    const server = createServer({
      key: privateKeyPem,
      cert: certificatePem + authority.certificatePem,
      ca: authority.certificatePem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ecdhCurve: 'X25519',
    });
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return new EngineDouble(authority, server, options.signing);
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** The `index`th channel since the start, come or still to come. */
  async peer(index = 0): Promise<Peer> {
    while (!this.peers[index]) await once(this.#emitter, 'peer');
    return this.peers[index] as Peer;
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.socket.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of this.connections) socket.destroy();
    await once(this.#server, 'close');
  }

  /** As after an enrolment. */
  async enrolled(
    context: AgentContext = 'system',
    guid: string = randomUUID(),
    days = 30,
  ): Promise<Enrolled> {
    const { seed, publicKey } = generateEd25519();
    const { certificatePem } = await issueClientCertificate(this.authority, {
      guid,
      context,
      publicKey,
      now: new Date(),
      days,
    });
    return { guid, context, seed, publicKey, certificate: certificatePem };
  }

  claims({ guid, context }: Enrolled, change: Partial<CommandClaims> = {}): CommandClaims {
    const now = Math.floor(Date.now() / 1_000);
    return {
      corr_id: randomBytes(18).toString('base64url'),
      verb: 'run_command',
      args: { argv: ['true'] },
      actor: 'root',
      policy_id: 'job-1',
      nonce: randomBytes(32).toString('base64url'),
      iat: now,
      exp: now + 300,
      agent_targets: [`${guid}/${context}`],
      timeout: 45,
      ...change,
    };
  }

  seal(claims: object, typ: typeof COMMAND_TYPE | 'borealis-script+jws' = COMMAND_TYPE): string {
    return sealEnvelope(claims, { seed: this.signing.seed, kid: this.signingKeyId, typ }, nobleEd25519);
  }
}

/** The claims of a result, once its signature has been checked. */
export const openResult = (envelope: string, { publicKey }: Enrolled): ResultClaims =>
  openEnvelope(envelope, { publicKey, typ: RESULT_TYPE, maxBytes: FRAME_MAX_BYTES }, nobleEd25519)
    .claims as ResultClaims;
