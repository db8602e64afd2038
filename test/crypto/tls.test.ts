/** What DESIGN §4 builds on, with real sockets: these are properties of Node's TLS with our keys and certificates. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import {
  type Authority,
  createAuthority,
  ENGINE_NAME,
  issueClientCertificate,
  issueServerCertificate,
  loadAuthority,
  parseClientCertificate,
} from '../../src/crypto/ca.ts';
import { generateEd25519, nobleEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { channelBinding, enrolmentProofMessage } from '../../src/crypto/enrolment-proof.ts';
import { seedToPem } from '../../src/crypto/keys.ts';
import { samePin, spkiPin } from '../../src/crypto/spki.ts';

const now = new Date();
const minute = 60_000;
const guid = randomUUID();
const agent = generateEd25519();
const ticketKeys = randomBytes(48);

interface Party {
  readonly cert: string;
  readonly key: string;
}
let authority: Authority;
let server: Party;
let client: Party;
let stranger: { ca: string; server: Party; client: Party };

async function clientOf(from: Authority, when = now, days = 30): Promise<Party> {
  const request = { guid, context: 'system' as const, publicKey: agent.publicKey, now: when, days };
  return { cert: (await issueClientCertificate(from, request)).certificatePem, key: seedToPem(agent.seed) };
}
async function serverOf(from: Authority): Promise<Party> {
  const issued = await issueServerCertificate(from, { names: [], addresses: [], now, days: 90 });
  return { cert: issued.certificatePem, key: issued.privateKeyPem };
}

beforeAll(async () => {
  authority = await loadAuthority(await createAuthority({ now, commonName: 'Borealis' }));
  [server, client] = await Promise.all([serverOf(authority), clientOf(authority)]);
  // The same name, so that only the signature tells them apart.
  const other = await loadAuthority(await createAuthority({ now, commonName: 'Borealis' }));
  stranger = { ca: other.certificatePem, server: await serverOf(other), client: await clientOf(other) };
});

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** A TLS server as the engine has it; `accepted` collects the sockets whose handshake it took. */
async function listen(options: TlsOptions = {}, port = 0) {
  const accepted: TLSSocket[] = [];
  const errors: Error[] = [];
  const listener = createServer({
    ...server,
    ca: authority.certificatePem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519',
    ticketKeys,
    ...options,
  });
  listener.on('secureConnection', (socket) => {
    accepted.push(socket);
    socket.on('error', () => {
      /* the other end goes away in the middle: that is what some of these tests do */
    });
    socket.write('hello');
  });
  listener.on('tlsClientError', (error) => errors.push(error));
  listener.listen(port, '127.0.0.1');
  await once(listener, 'listening');
  const close = async () => {
    for (const socket of accepted) socket.destroy();
    listener.close();
    await once(listener, 'close');
  };
  open.push({ close: () => (listener.listening ? close() : Promise.resolve()) });
  return { accepted, errors, close, port: (listener.address() as AddressInfo).port };
}

/** Connects as an agent does, and waits for the server's first bytes: in TLS 1.3 only they show that it took us. */
async function dial(
  port: number,
  options: ConnectionOptions = {},
): Promise<{ socket: TLSSocket; ticket: Promise<Buffer> }> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: ENGINE_NAME,
    ca: authority.certificatePem,
    minVersion: 'TLSv1.3',
    ...client,
    ...options,
  });
  open.push({ close: async () => socket.destroy() });
  const ticket = new Promise<Buffer>((resolve) => socket.once('session', resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before a word was said')));
    socket.once('data', () => resolve());
  });
  return { socket, ticket };
}

describe('mutual TLS', () => {
  it('with P-384 authority, P-256 server and Ed25519 client is TLS 1.3 over X25519', async () => {
    const engine = await listen();
    const { socket } = await dial(engine.port);
    expect(socket.authorized).toBe(true);
    expect(socket.getProtocol()).toBe('TLSv1.3');
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ type: 'ECDH', name: 'X25519' });
    const peer = engine.accepted[0]!;
    expect(peer.authorized).toBe(true);
    expect(parseClientCertificate(peer.getPeerX509Certificate()!.raw)).toMatchObject({
      guid,
      context: 'system',
      publicKey: agent.publicKey,
    });
  });

  it('shows the authority in the chain when the server sends it, to be compared with the pin', async () => {
    const engine = await listen({ cert: server.cert + authority.certificatePem });
    const { socket } = await dial(engine.port);
    // Not getPeerX509Certificate(): at the client's end each call takes a certificate off the chain for good.
    const leaf = socket.getPeerCertificate(true);
    expect(samePin(spkiPin(leaf.issuerCertificate.raw), authority.pin)).toBe(true);
    expect(samePin(spkiPin(leaf.raw), authority.pin)).toBe(false);
  });
});

describe('the server refuses', () => {
  test.each<[string, () => Promise<ConnectionOptions>]>([
    ['the client of another authority', async () => ({ ...stranger.client })],
    ['no client certificate', async () => ({ cert: '', key: '' })],
    ['a server certificate as that of a client', async () => ({ ...server })],
    [
      'an expired one',
      async () => ({ ...(await clientOf(authority, new Date(now.getTime() - 4 * minute), 1 / 1440)) }),
    ],
    [
      'one from the future',
      async () => ({ ...(await clientOf(authority, new Date(now.getTime() + 2 * 1_440 * minute))) }),
    ],
    ['TLS 1.2', async () => ({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })],
    ['another key exchange', async () => ({ ecdhCurve: 'P-256' })],
  ])('%s', async (_name, options) => {
    const engine = await listen();
    await expect(dial(engine.port, await options())).rejects.toThrow();
    expect(engine.accepted).toHaveLength(0);
    expect(engine.errors).toHaveLength(1);
  });
});

describe('the client refuses', () => {
  it('the server of another authority of the same name', async () => {
    const engine = await listen({ ...stranger.server });
    await expect(dial(engine.port)).rejects.toThrow(/certificate/);
  });

  it('a client certificate as that of a server', async () => {
    const engine = await listen({ ...client });
    await expect(dial(engine.port)).rejects.toThrow(/purpose/);
  });

  it('a server of another name', async () => {
    const engine = await listen();
    await expect(dial(engine.port, { servername: 'other.example' })).rejects.toThrow(/altnames/);
  });
});

describe('the channel binding', () => {
  it('is the same at both ends, another in each connection, and that of RFC 9266', async () => {
    const engine = await listen();
    const seen = new Set<string>();
    for (let index = 0; index < 3; index++) {
      const { socket } = await dial(engine.port);
      const ours = channelBinding(socket);
      expect(ours).toHaveLength(32);
      expect(channelBinding(engine.accepted[index]!).equals(ours)).toBe(true);
      // TLS 1.3 makes no difference between no context and an empty one (RFC 8446 §7.5).
      const noContext = socket.exportKeyingMaterial as (length: number, label: string) => Buffer;
      expect(noContext.call(socket, 32, 'EXPORTER-Channel-Binding').equals(ours)).toBe(true);
      seen.add(ours.toString('hex'));
    }
    expect(seen.size).toBe(3);
  });

  it('makes an enrolment proof worthless on another connection', async () => {
    const engine = await listen();
    const [first, second] = [await dial(engine.port), await dial(engine.port)];
    const fields = { requestId: 'r', nonce: randomBytes(32), publicKey: agent.publicKey };
    const message = (socket: TLSSocket) =>
      enrolmentProofMessage({ ...fields, exporter: channelBinding(socket) });
    const signature = nobleEd25519.sign(message(first.socket), agent.seed);
    expect(nodeEd25519.verify(signature, message(engine.accepted[0]!), agent.publicKey)).toBe(true);
    expect(nodeEd25519.verify(signature, message(engine.accepted[1]!), agent.publicKey)).toBe(false);
    expect(second.socket.authorized).toBe(true);
  });

  it('is not taken from TLS 1.2, nor before the handshake', async () => {
    const engine = await listen({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ecdhCurve: 'auto' });
    const { socket } = await dial(engine.port, { minVersion: 'TLSv1.2' });
    expect(() => channelBinding(socket)).toThrow(RangeError);
    const early = connect({ port: engine.port, host: '127.0.0.1', ca: authority.certificatePem });
    early.on('error', () => {
      /* it is destroyed in the middle of its handshake */
    });
    expect(() => channelBinding(early)).toThrow();
    early.destroy();
  });
});

describe('session resumption', () => {
  /** A first connection to one server, that server gone, and another one in its place. */
  async function afterRestart(options: TlsOptions = {}) {
    const before = await listen();
    const { socket, ticket } = await dial(before.port);
    expect(socket.isSessionReused()).toBe(false);
    const session = await ticket;
    socket.destroy();
    await before.close();
    const after = await listen(options, before.port);
    return { after, resumed: await dial(after.port, { session }) };
  }

  it('survives a restart of the server with the same ticket keys, the peer certificate too', async () => {
    const { after, resumed } = await afterRestart();
    expect(resumed.socket.isSessionReused()).toBe(true);
    expect(resumed.socket.authorized).toBe(true);
    const peer = after.accepted[0]!;
    expect(peer.isSessionReused()).toBe(true);
    expect(peer.authorized).toBe(true);
    expect(parseClientCertificate(peer.getPeerX509Certificate()!.raw)).toMatchObject({
      guid,
      context: 'system',
    });
    expect(channelBinding(resumed.socket).equals(channelBinding(peer))).toBe(true);
  });

  it('is a full handshake under other ticket keys, and no failure', async () => {
    const { after, resumed } = await afterRestart({ ticketKeys: randomBytes(48) });
    expect(resumed.socket.isSessionReused()).toBe(false);
    expect(after.accepted[0]!.authorized).toBe(true);
  });
});
