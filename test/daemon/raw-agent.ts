/**
 * An agent that says exactly what a test wants, over real TLS: right or wrong keys, certificates, tokens and proofs.
 * Nothing of src/agent is used, so that the engine alone is on trial.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { createDpopProof } from '../../src/crypto/dpop.ts';
import { generateEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { channelBinding, enrolmentProofMessage } from '../../src/crypto/enrolment-proof.ts';
import { seedToPem } from '../../src/crypto/keys.ts';
import { parseLink } from '../../src/crypto/secret-code.ts';
import { AGENT_PATHS, ENGINE_SERVER_NAME, type Enrolled, proofUrl } from '../../src/protocol/enrolment.ts';
import { CHANNEL_PROTOCOL } from '../../src/protocol/frame.ts';
import type { Problem } from '../../src/protocol/operations.ts';
import type { AgentContext } from '../../src/protocol/scalars.ts';

export interface Reply {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** Of a problem. */
  readonly code: string | undefined;
  readonly headers: IncomingMessage['headers'];
}

export interface Machine {
  hostname: string;
  fingerprint: string;
  context: AgentContext;
}

export interface Key {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** What a connection shows; undefined shows no certificate. */
export interface Shown {
  readonly key: Key;
  readonly certificate: string;
}

/** 64 hexadecimal digits, the same for the same text. */
export const fingerprintOf = (text: string): string => createHash('sha256').update(text).digest('hex');

let machines = 0;

export class RawAgent {
  readonly host: string;
  readonly port: number;
  readonly code: string;
  readonly pin: string;
  readonly machine: Machine;
  key: Key = generateEd25519();
  asked: { request_id: string; request_secret: string } | undefined;
  enrolled: Enrolled | undefined;
  /** The newest TLS session ticket. */
  session: Buffer | undefined;

  constructor(link: string, machine: Partial<Machine> = {}) {
    ({ host: this.host, port: this.port, code: this.code, pin: this.pin } = parseLink(link));
    machines += 1;
    const hostname = machine.hostname ?? `machine-${machines}`;
    this.machine = { context: 'system', fingerprint: fingerprintOf(hostname), ...machine, hostname };
  }

  get shown(): Shown {
    if (!this.enrolled) throw new Error('not enrolled');
    return { key: this.key, certificate: this.enrolled.certificate };
  }

  /** Certificates of the engine are not looked at here: these tests are about what the engine accepts. */
  async connect(shown?: Shown, session?: Buffer): Promise<TLSSocket> {
    const socket = connect({
      host: this.host,
      port: this.port,
      servername: ENGINE_SERVER_NAME,
      rejectUnauthorized: false,
      ...(shown && { key: seedToPem(shown.key.seed), cert: shown.certificate }),
      ...(session && { session }),
    });
    socket.on('session', (ticket) => {
      this.session = ticket;
    });
    await once(socket, 'secureConnect');
    return socket;
  }

  /** One POST over `socket`, which is closed after it. */
  async post(
    socket: TLSSocket,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const outgoing = request({
      createConnection: () => socket,
      method: 'POST',
      path,
      headers: {
        host: ENGINE_SERVER_NAME,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        connection: 'close',
        ...headers,
      },
    });
    outgoing.end(text);
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    return readReply(incoming);
  }

  requestBody(more: object = {}): Record<string, unknown> {
    return {
      code: this.code,
      public_key: Buffer.from(this.key.publicKey).toString('base64url'),
      ...this.machine,
      os: 'linux',
      arch: 'x64',
      agent_version: '0.1.0',
      nonce: randomBytes(32).toString('base64url'),
      ...more,
    };
  }

  async request(more: object = {}): Promise<Reply> {
    const reply = await this.post(await this.connect(), AGENT_PATHS.request, this.requestBody(more));
    if (reply.status === 200) {
      const { request_id, request_secret } = reply.body as { request_id: string; request_secret: string };
      this.asked = { request_id, request_secret };
    }
    return reply;
  }

  async poll(more: object = {}): Promise<Reply> {
    return this.post(await this.connect(), AGENT_PATHS.poll, { ...this.asked, ...more });
  }

  /** The nonce of an approved request. */
  async nonce(): Promise<string> {
    const { body } = await this.poll();
    if (body.state !== 'approved') throw new Error(`the request is ${String(body.state)}`);
    return body.nonce as string;
  }

  sign(nonce: string, socket: TLSSocket, key: Key = this.key, requestId = this.asked!.request_id): string {
    const message = enrolmentProofMessage({
      requestId,
      nonce: Buffer.from(nonce, 'base64url'),
      exporter: channelBinding(socket),
      publicKey: key.publicKey,
    });
    return Buffer.from(nodeEd25519.sign(message, key.seed)).toString('base64url');
  }

  async complete(nonce: string): Promise<Reply> {
    const socket = await this.connect();
    const signature = this.sign(nonce, socket);
    const reply = await this.post(socket, AGENT_PATHS.complete, { ...this.asked, nonce, signature });
    if (reply.status === 200) this.enrolled = reply.body as unknown as Enrolled;
    return reply;
  }

  /** The whole way, where the code approves by itself or somebody has approved already. */
  async enrol(): Promise<Enrolled> {
    if (!this.asked) expectDone(await this.request());
    expectDone(await this.complete(await this.nonce()));
    return this.enrolled!;
  }

  proof(
    method: string,
    path: string,
    {
      key = this.key,
      accessToken,
      now = new Date(),
    }: { key?: Key; accessToken?: string | undefined; now?: Date } = {},
  ): string {
    const url = proofUrl(path);
    return createDpopProof({ ...key, method, url, accessToken, now }, nodeEd25519);
  }

  /** Authorization and DPoP as they should be. */
  headers(method: string, path: string, now = new Date()): Record<string, string> {
    const accessToken = this.enrolled!.access_token;
    return {
      authorization: `DPoP ${accessToken}`,
      dpop: this.proof(method, path, { accessToken, now }),
    };
  }

  /** Takes over the new tokens where there are any. */
  async refresh(token = this.enrolled!.refresh_token, now = new Date()): Promise<Reply> {
    const path = AGENT_PATHS.refresh;
    const dpop = this.proof('POST', path, { now });
    const reply = await this.post(await this.connect(this.shown), path, { refresh_token: token }, { dpop });
    if (reply.status === 200) this.enrolled = { ...this.enrolled!, ...(reply.body as object) };
    return reply;
  }

  async renew(headers?: Record<string, string>, shown = this.shown): Promise<Reply> {
    const path = AGENT_PATHS.renew;
    return this.post(await this.connect(shown), path, {}, headers ?? this.headers('POST', path));
  }

  /** Asks for the channel; the reply is 101 where it was opened, and `socket` is then the caller's to destroy. */
  async channel(
    options: {
      headers?: Record<string, string>;
      shown?: Shown | undefined;
      session?: Buffer;
      path?: string;
    } = {},
  ): Promise<Reply & { socket: TLSSocket }> {
    const path = options.path ?? AGENT_PATHS.channel;
    const shown = 'shown' in options ? options.shown : this.shown;
    const socket = await this.connect(shown, options.session);
    const outgoing = request({
      createConnection: () => socket,
      method: 'GET',
      path,
      headers: {
        host: ENGINE_SERVER_NAME,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        'sec-websocket-protocol': CHANNEL_PROTOCOL,
        ...(options.headers ?? this.headers('GET', path)),
      },
    });
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    outgoing.on('upgrade', (incoming) =>
      resolve({ status: 101, body: {}, code: undefined, headers: incoming.headers }),
    );
    outgoing.on('response', (incoming) => resolve(readReply(incoming)));
    outgoing.on('error', reject);
    outgoing.end();
    return { ...(await promise), socket };
  }
}

const readReply = async (incoming: IncomingMessage): Promise<Reply> => {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
  const code = (body as Partial<Problem>).code;
  return { status: incoming.statusCode ?? 0, body, code, headers: incoming.headers };
};

const expectDone = (reply: Reply): void => {
  if (reply.status !== 200) throw new Error(`${reply.status} ${JSON.stringify(reply.body)}`);
};
