/** The link: heartbeat, reconnection, tokens, certificate; against an engine that does what the test wants. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Hello } from '../../src/agent/channel.ts';
import type { CredentialStore, Credentials, TokenPair } from '../../src/agent/credentials.ts';
import { Link, type LinkOptions, type LinkStatus } from '../../src/agent/link.ts';
import { machineFacts } from '../../src/agent/machine.ts';
import { issueClientCertificate, parseClientCertificate } from '../../src/crypto/ca.ts';
import { ReplayWindow, verifyDpopProof } from '../../src/crypto/dpop.ts';
import { jwkThumbprint } from '../../src/crypto/keys.ts';
import { AGENT_PATHS, proofUrl } from '../../src/protocol/enrolment.ts';
import { CLOSE } from '../../src/protocol/frame.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { EngineDouble, type Enrolled, type Request, refused } from './engine-double.ts';
import { credentialsOf, freshTokens } from './parts.ts';

let engine: EngineDouble;
let enrolled: Enrolled;
let link: Link | undefined;
let statuses: LinkStatus[];
let troubles: string[];
const replay = new ReplayWindow();

beforeEach(async () => {
  engine = await EngineDouble.start();
  enrolled = await engine.enrolled();
  statuses = [];
  troubles = [];
});
afterEach(async () => {
  await link?.close();
  link = undefined;
  await engine.close();
});

const start = (change: { tokens?: TokenPair; store?: CredentialStore; random?: () => number } = {}): Link =>
  startWith(credentialsOf(engine, enrolled, change.tokens, change.store), change.random);

function startWith(credentials: Credentials, random = () => 0): Link {
  const hello = (): Omit<Hello, 'type' | 'now'> => ({
    guid: enrolled.guid,
    context: enrolled.context,
    ...machineFacts(),
    verbs: [],
  });
  const options: LinkOptions = {
    credentials,
    hello,
    clock: systemClock,
    random,
    onOnline: () => undefined,
    onOrder: () => undefined,
    onOffline: () => undefined,
    onStatus: (status) => statuses.push(status),
    onTrouble: (what) => troubles.push(what),
  };
  link = new Link(options);
  link.start();
  return link;
}
/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const waiting = () =>
  vi.waitFor(() => {
    const last = statuses.at(-1);
    expect(last?.state).toBe('waiting');
    return last as LinkStatus;
  }, 10_000);

const check = (headers: Request['headers'], method: string, path: string, accessToken?: string) =>
  verifyDpopProof(String(headers.dpop), {
    method,
    url: proofUrl(path),
    accessToken,
    expectedJkt: jwkThumbprint(enrolled.publicKey),
    now: new Date(),
    replay,
  });
const newTokens = () => ({
  access_token: `access-${randomBytes(4).toString('hex')}`,
  expires_in: 900,
  refresh_token: randomBytes(32).toString('base64url'),
  refresh_expires_at: new Date(Date.now() + 86_400_000).toISOString(),
});

describe('a channel', () => {
  it('is opened with token and proof, says HELLO first, and answers PING', async () => {
    start();
    const peer = await engine.peer();
    expect(peer.headers.authorization).toBe('DPoP access-token');
    await check(peer.headers, 'GET', AGENT_PATHS.channel, 'access-token');
    await peer.frame('HELLO');
    expect(peer.frames[0]).toMatchObject({ type: 'HELLO', guid: enrolled.guid });
    await peer.settled();
  });

  it('beats, and counts as dead after two and a half silent heartbeats', async () => {
    engine.onPeer = (peer) => {
      const welcome = () => {
        peer.welcome({ heartbeat_ms: 1_000 });
        peer.send = () => undefined;
      };
      void peer.frame('HELLO').then(welcome, () => undefined);
    };
    start();
    const peer = await engine.peer();
    await peer.frame('PING');
    expect((await peer.closed).code).toBe(1006);
    expect(peer.all('PING')).toHaveLength(2);
    await engine.peer(1);
  });

  it('is closed in order when the agent stops', async () => {
    const own = start();
    const peer = await engine.peer();
    await vi.waitFor(() => expect(own.online).toBe(true));
    await own.close();
    expect((await peer.closed).code).toBe(CLOSE.clean);
    expect(peer.all('EVENT')).toMatchObject([{ kind: 'stopping' }]);
    expect(statuses.at(-1)?.state).toBe('stopped');
  });
});

describe('reconnection', () => {
  it('signs nothing for an engine that is away', async () => {
    const credentials = credentialsOf(engine, enrolled);
    const address = { host: '127.0.0.1', port: await closedPort() };
    vi.spyOn(credentials, 'membership', 'get').mockReturnValue({ ...credentials.membership, address });
    const signed = vi.spyOn(credentials.ed, 'sign');
    const own = startWith(credentials);
    await vi.waitFor(() => expect(statuses.filter(({ error }) => error).length).toBeGreaterThan(2), 10_000);
    expect(statuses.find(({ error }) => error)?.error).toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    expect(signed).not.toHaveBeenCalled();
    await own.close();
    signed.mockRestore();
  });

  it('resumes the TLS session', async () => {
    start();
    const peer = await engine.peer();
    await peer.frame('HELLO');
    await peer.settled();
    peer.socket.terminate();
    const next = await engine.peer(1);
    expect(peer.resumed).toBe(false);
    expect(next.resumed).toBe(true);
  });

  it('resumes the TLS session also after attempts that failed', async () => {
    start();
    const peer = await engine.peer();
    await peer.settled();
    engine.refuseChannel = refused('ENGINE_STARTING');
    peer.socket.terminate();
    await vi.waitFor(() =>
      expect(statuses.some(({ error }) => error?.code === 'ENGINE_STARTING')).toBe(true),
    );
    engine.refuseChannel = undefined;
    expect((await engine.peer(1)).resumed).toBe(true);
  });

  it('is immediate after an orderly close of the engine, then backs off', async () => {
    start({ random: () => 0.5 });
    const peer = await engine.peer();
    await peer.settled();
    engine.refuseChannel = refused('ENGINE_STARTING');
    peer.socket.close(CLOSE.goingAway);
    await vi.waitFor(
      () => expect(statuses.filter(({ state }) => state === 'waiting')).toHaveLength(4),
      10_000,
    );
    const delays = statuses.flatMap(({ state, retryInMs }) => (state === 'waiting' ? [retryInMs] : []));
    expect(delays).toEqual([0, 500, 1_000, 2_000]);
  });

  it('does not fight over the channel with another agent of the same identity', async () => {
    start();
    const peer = await engine.peer();
    await peer.settled();
    peer.socket.close(CLOSE.superseded);
    expect((await waiting()).retryInMs).toBeGreaterThanOrEqual(30_000);
  });

  it('asks an engine that has revoked the device rarely', async () => {
    engine.refuseChannel = refused('DEVICE_REVOKED');
    start();
    const { error, retryInMs } = await waiting();
    expect(error?.code).toBe('DEVICE_REVOKED');
    expect(retryInMs).toBeGreaterThanOrEqual(270_000);
  });

  it('asks soon why it was cut off, and whether a quarantine is over, within half a minute', async () => {
    start({ random: () => 0.999 });
    const peer = await engine.peer();
    await peer.settled();
    engine.refuseChannel = refused('DEVICE_QUARANTINED');
    peer.socket.close(CLOSE.forbidden, 'quarantined');
    await vi.waitFor(
      () => expect(statuses.filter(({ state }) => state === 'waiting')).toHaveLength(3),
      10_000,
    );
    const waits = statuses.filter(({ state }) => state === 'waiting');
    expect(waits.map(({ error }) => error?.code)).toEqual(Array(3).fill('DEVICE_QUARANTINED'));
    expect(Math.max(...waits.map(({ retryInMs }) => retryInMs ?? 0))).toBeLessThan(30_000);
  });

  it('finds an impostor at the address, and sends it nothing', async () => {
    const { port } = engine.address;
    start();
    await (await engine.peer()).settled();
    await engine.close();
    engine = await EngineDouble.start({ port });
    const status = await vi.waitFor(() => {
      const found = statuses.find(({ error }) => error?.code === 'PIN_MISMATCH');
      expect(found).toBeDefined();
      return found as LinkStatus;
    }, 10_000);
    expect(status.retryInMs).toBeGreaterThanOrEqual(270_000);
    expect(engine.peers).toEqual([]);
  });
});

describe.each(['the engine', 'an impostor'])('a certificate that is not valid now, of %s', (whose) => {
  const DAY_MS = 86_400_000;

  it.each([
    ['not yet', 5 * DAY_MS],
    ['no more', -60 * DAY_MS],
  ])('%s: nothing is sent, and it is asked again soon', async (_when, ms) => {
    const { port } = engine.address;
    const { authority } = engine;
    start({ random: () => 0.2 });
    await (await engine.peer()).settled();
    await engine.close();
    const at = new Date(Date.now() + ms);
    engine = await EngineDouble.start({ port, at, ...(whose === 'the engine' && { authority }) });
    await vi.waitFor(
      () => expect(statuses.filter(({ error }) => error?.code === 'CLOCK_SKEW').length).toBeGreaterThan(3),
      10_000,
    );
    expect(engine.peers).toEqual([]);
    expect(engine.requests).toBe(0);
    const waits = statuses.map(({ retryInMs }) => retryInMs ?? 0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  });
});

describe('tokens', () => {
  const serveRefresh = (seen: Request[] = []) => {
    engine.handlers[AGENT_PATHS.refresh] = async (request) => {
      await check(request.headers, 'POST', AGENT_PATHS.refresh);
      seen.push(request);
      return { status: 200, body: newTokens() };
    };
    return seen;
  };

  it('are refreshed before they are used when they are stale', async () => {
    const seen = serveRefresh();
    start({ tokens: freshTokens({ accessExpiresAt: Date.now() + 1_000 }) });
    const peer = await engine.peer();
    expect(seen).toHaveLength(1);
    expect(peer.headers.authorization).toMatch(/^DPoP access-[0-9a-f]{8}$/);
  });

  it('are refreshed at once when the last process ended in the middle of it', async () => {
    const seen = serveRefresh();
    start({ tokens: freshTokens({ refreshing: true }) });
    await engine.peer();
    expect(seen.map(({ body }) => body)).toEqual([{ refresh_token: 'r'.repeat(43) }]);
  });

  it('are on disk before they are used, and so is the intent', async () => {
    const saved: [boolean, string][] = [];
    const store: CredentialStore = {
      saveTokens: async ({ refreshing, refreshToken }) => void saved.push([refreshing, refreshToken]),
      saveCertificate: async () => undefined,
    };
    engine.handlers[AGENT_PATHS.refresh] = () => {
      expect(saved).toEqual([[true, 'r'.repeat(43)]]);
      return { status: 200, body: newTokens() };
    };
    engine.onPeer = () => expect(saved).toHaveLength(2);
    start({ tokens: freshTokens({ accessExpiresAt: 0 }), store });
    await engine.peer();
    expect(saved[1]?.[0]).toBe(false);
    expect(saved[1]?.[1]).not.toBe('r'.repeat(43));
  });

  it('are refreshed when the engine refuses them, once', async () => {
    const seen = serveRefresh();
    engine.refuseChannel = refused('TOKEN_INVALID');
    start({ random: () => 0.9 });
    await vi.waitFor(
      () => expect(statuses.filter(({ state }) => state === 'waiting').length).toBeGreaterThanOrEqual(3),
      10_000,
    );
    expect(seen).toHaveLength(1);
    engine.refuseChannel = undefined;
    await engine.peer();
  });

  it('are refreshed while the channel is open, before they expire', async () => {
    const seen = serveRefresh();
    start({ tokens: freshTokens({ accessExpiresAt: Date.now() + 12_000 }), random: () => 0.999 });
    const peer = await engine.peer();
    await vi.waitFor(() => expect(seen).toHaveLength(1), 15_000);
    expect(peer.socket.readyState).toBe(peer.socket.OPEN);
  }, 20_000);

  it('are asked for again within seconds when the answer was lost', async () => {
    let times = 0;
    engine.handlers[AGENT_PATHS.refresh] = ({ socket, body }) => {
      times += 1;
      expect(body).toEqual({ refresh_token: 'r'.repeat(43) });
      if (times === 1) socket.destroy();
      return { status: 200, body: newTokens() };
    };
    start({ tokens: freshTokens({ accessExpiresAt: Date.now() + 12_000 }) });
    const peer = await engine.peer();
    await vi.waitFor(() => expect(times).toBe(2), 20_000);
    expect(troubles).toEqual(['refresh']);
    expect(peer.socket.readyState).toBe(peer.socket.OPEN);
  }, 30_000);

  it('a family that was revoked ends in rare attempts, and says what to do', async () => {
    engine.handlers[AGENT_PATHS.refresh] = () => refused('TOKEN_REUSED');
    start({ tokens: freshTokens({ accessExpiresAt: 0 }) });
    const { error, retryInMs } = await waiting();
    expect(error).toMatchObject({ code: 'TOKEN_REUSED', next: expect.stringContaining('Enrol') });
    expect(retryInMs).toBeGreaterThanOrEqual(270_000);
  });

  it('also when the engine ended the channel for it', async () => {
    engine.handlers[AGENT_PATHS.refresh] = () => refused('TOKEN_REUSED');
    start();
    const peer = await engine.peer();
    await peer.settled();
    engine.refuseChannel = refused('EXPIRED_TOKEN');
    peer.socket.close(CLOSE.unauthorised, 'refresh token reused');
    await vi.waitFor(() => {
      expect(statuses.at(-1)).toMatchObject({ state: 'waiting', error: { code: 'TOKEN_REUSED' } });
      expect(statuses.at(-1)?.retryInMs).toBeGreaterThanOrEqual(270_000);
    }, 10_000);
  });

  it('a glitch of the network does not end it', async () => {
    let times = 0;
    engine.handlers[AGENT_PATHS.refresh] = ({ socket }) => {
      times += 1;
      if (times === 1) socket.destroy();
      return { status: 200, body: newTokens() };
    };
    start({ tokens: freshTokens({ accessExpiresAt: 0 }) });
    await engine.peer();
    expect(times).toBe(2);
  });
});

describe('the certificate', () => {
  it('is renewed at two thirds of its life, kept, and used from then on', async () => {
    const old = await issueClientCertificate(engine.authority, {
      guid: enrolled.guid,
      context: 'system',
      publicKey: enrolled.publicKey,
      now: new Date(Date.now() - 25 * 86_400_000),
      days: 30,
    });
    enrolled = { ...enrolled, certificate: old.certificatePem };
    const saved: string[] = [];
    const store: CredentialStore = {
      saveTokens: async () => undefined,
      saveCertificate: async (certificate) => void saved.push(certificate),
    };
    engine.handlers[AGENT_PATHS.refresh] = () => ({ status: 200, body: newTokens() });
    engine.handlers[AGENT_PATHS.renew] = async ({ headers }) => {
      await check(headers, 'POST', AGENT_PATHS.renew, String(headers.authorization).slice(5));
      const { certificatePem } = await issueClientCertificate(engine.authority, {
        guid: enrolled.guid,
        context: 'system',
        publicKey: enrolled.publicKey,
        now: new Date(),
      });
      return { status: 200, body: { certificate: certificatePem } };
    };
    start({ store });
    const peer = await engine.peer();
    await vi.waitFor(() => expect(saved).toHaveLength(1), 15_000);
    peer.socket.terminate();
    await (await engine.peer(1)).frame('HELLO');
    const [serial] = saved.map((pem) => parseClientCertificate(pem).serial);
    const used = engine.connections.map((socket) =>
      socket.getPeerX509Certificate()?.serialNumber.toLowerCase().padStart(32, '0'),
    );
    expect(used).toContain(serial);
    expect(troubles).toEqual([]);
  }, 30_000);

  it('of another device is not taken', async () => {
    const old = await issueClientCertificate(engine.authority, {
      guid: enrolled.guid,
      context: 'system',
      publicKey: enrolled.publicKey,
      now: new Date(Date.now() - 25 * 86_400_000),
      days: 30,
    });
    enrolled = { ...enrolled, certificate: old.certificatePem };
    const other = await engine.enrolled();
    engine.handlers[AGENT_PATHS.refresh] = () => ({ status: 200, body: newTokens() });
    engine.handlers[AGENT_PATHS.renew] = () => ({ status: 200, body: { certificate: other.certificate } });
    start({});
    await vi.waitFor(() => expect(troubles).toEqual(['certificate renewal']), 15_000);
  }, 30_000);
});

it('hundreds of links live in one process', async () => {
  const count = 200;
  const all = await Promise.all(
    Array.from({ length: count }, async () => {
      const one = await engine.enrolled();
      const own = new Link({
        credentials: credentialsOf(engine, one),
        hello: () => ({ guid: one.guid, context: 'system', ...machineFacts(), verbs: [] }),
        clock: systemClock,
        onOnline: () => undefined,
        onOrder: () => undefined,
        onOffline: () => undefined,
        onStatus: () => undefined,
        onTrouble: () => undefined,
      });
      own.start();
      return own;
    }),
  );
  await vi.waitFor(() => expect(all.filter(({ online }) => online)).toHaveLength(count), 30_000);
  await Promise.all(all.map((one) => one.close()));
  expect(engine.peers.every(({ socket }) => socket.readyState !== socket.OPEN)).toBe(true);
}, 60_000);
