import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enrol, type Progress } from '../../src/agent/enrol.ts';
import { loadCredentials } from '../../src/agent/identity.ts';
import { machineFacts } from '../../src/agent/machine.ts';
import { type ContextPaths, contextPaths, prepareState } from '../../src/agent/state.ts';
import { createAuthority, issueClientCertificate, loadAuthority } from '../../src/crypto/ca.ts';
import { generateEd25519, nobleEd25519 } from '../../src/crypto/ed25519.ts';
import { channelBinding, enrolmentProofMessage } from '../../src/crypto/enrolment-proof.ts';
import { keyFingerprint } from '../../src/crypto/keys.ts';
import type { EnrolmentLink } from '../../src/crypto/secret-code.ts';
import { AGENT_PATHS, enrolComplete, enrolRequest } from '../../src/protocol/enrolment.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { EngineDouble, refused } from './engine-double.ts';
import { temporary } from './parts.ts';

let engine: EngineDouble;
let folder: ReturnType<typeof temporary>;
let paths: ContextPaths;
let progress: Progress[];

beforeEach(async () => {
  engine = await EngineDouble.start();
  folder = temporary();
  paths = contextPaths(folder.directory, 'system');
  await prepareState(folder.directory, paths);
  progress = [];
});
afterEach(async () => {
  await engine.close();
  await folder.remove();
});

const link = (change: Partial<EnrolmentLink> = {}): EnrolmentLink => ({
  ...engine.address,
  code: 'AAAAA-BBBBB-CCCCC-DDDDD',
  pin: engine.authority.pin,
  ...change,
});

const start = (
  change: Partial<EnrolmentLink> = {},
  sleep: (ms: number) => Promise<void> = async () => undefined,
) =>
  enrol({
    link: link(change),
    paths,
    fingerprint: 'f'.repeat(64),
    machine: machineFacts(),
    clock: systemClock,
    signal: new AbortController().signal,
    onProgress: (step) => progress.push(step),
    sleep,
  });

/** Handlers of an engine that approves after so many polls, and checks what a real one checks. */
function approving(waits = 1, change: { certificateKey?: Uint8Array; fingerprint?: string } = {}) {
  const guid = randomUUID();
  const requestId = 'request-1';
  const secret = randomBytes(32).toString('base64url');
  const nonce = randomBytes(32);
  const seen = { requests: 0, polls: 0 };
  let publicKey = new Uint8Array();
  engine.handlers[AGENT_PATHS.request] = ({ body }) => {
    const request = enrolRequest.parse(body);
    seen.requests += 1;
    publicKey = Buffer.from(request.public_key, 'base64url');
    return {
      status: 200,
      body: {
        request_id: requestId,
        request_secret: secret,
        key_fingerprint: change.fingerprint ?? keyFingerprint(publicKey),
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        poll_after_ms: 100,
      },
    };
  };
  engine.handlers[AGENT_PATHS.poll] = ({ body }) => {
    expect(body).toEqual({ request_id: requestId, request_secret: secret });
    seen.polls += 1;
    return seen.polls <= waits
      ? { status: 200, body: { state: 'waiting', poll_after_ms: 100 } }
      : { status: 200, body: { state: 'approved', nonce: nonce.toString('base64url') } };
  };
  engine.handlers[AGENT_PATHS.complete] = async ({ body, socket }) => {
    const { signature, ...rest } = enrolComplete.parse(body);
    expect(rest).toEqual({
      request_id: requestId,
      request_secret: secret,
      nonce: nonce.toString('base64url'),
    });
    const message = enrolmentProofMessage({ requestId, nonce, exporter: channelBinding(socket), publicKey });
    expect(nobleEd25519.verify(Buffer.from(signature, 'base64url'), message, publicKey)).toBe(true);
    const { certificatePem } = await issueClientCertificate(engine.authority, {
      guid,
      context: 'system',
      publicKey: change.certificateKey ?? publicKey,
      now: new Date(),
    });
    return {
      status: 200,
      body: {
        guid,
        name: 'device',
        context: 'system',
        certificate: certificatePem,
        authority: engine.authority.certificatePem,
        signing_key: Buffer.from(engine.signing.publicKey).toString('base64url'),
        signing_key_id: engine.signingKeyId,
        access_token: 'a.b.c',
        expires_in: 900,
        refresh_token: randomBytes(32).toString('base64url'),
        refresh_expires_at: new Date(Date.now() + 86_400_000).toISOString(),
      },
    };
  };
  return { guid, seen };
}

describe('enrolment', () => {
  it('asks, waits, proves its key over this very connection, and keeps what it is given', async () => {
    const { guid, seen } = approving(2);
    const membership = await start();
    expect(membership.guid).toBe(guid);
    expect(seen).toEqual({ requests: 1, polls: 3 });
    const stored = await loadCredentials(paths);
    expect(stored.membership).toEqual(membership);
    expect(progress.map(({ step }) => step)).toEqual(['pinned', 'requested', 'approved', 'enrolled']);
    expect(progress[1]).toMatchObject({ keyFingerprint: keyFingerprint(stored.publicKey) });
    await expect(stat(paths.enrolment)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(start()).rejects.toMatchObject({ code: 'ALREADY_ENROLLED' });
  });

  it('goes on with the same request after the agent was ended', async () => {
    const { seen } = approving(1);
    await expect(start({}, () => Promise.reject(new Error('killed')))).rejects.toThrow('killed');
    expect(seen).toEqual({ requests: 1, polls: 0 });
    await start();
    expect(seen.requests).toBe(1);
    expect(progress.find(({ step }) => step === 'requested')).toMatchObject({ resumed: false });
    expect(progress.findLast(({ step }) => step === 'requested')).toMatchObject({ resumed: true });
  });

  it('waits through a restart of the engine', async () => {
    approving(1);
    const { port } = engine.address;
    const { handlers, authority } = engine;
    let restarts = 0;
    const membership = await start({}, async () => {
      if (restarts === 0) await engine.close();
      if (restarts === 2) {
        engine = await EngineDouble.start({ authority, port });
        Object.assign(engine.handlers, handlers);
        // The new process has a signing key of its own here; the old one's handlers speak for the old one.
      }
      restarts += 1;
    });
    expect(membership.name).toBe('device');
    expect(progress.filter(({ step }) => step === 'unreachable').length).toBeGreaterThanOrEqual(2);
  });

  it('another link is another request; the key stays', async () => {
    const { seen } = approving(0);
    await expect(start({}, () => Promise.reject(new Error('killed')))).rejects.toThrow();
    const key = await readFile(paths.identity, 'utf8');
    await start({ code: 'EEEEE-FFFFF-GGGGG-HHHHH' });
    expect(seen.requests).toBe(2);
    expect(await readFile(paths.identity, 'utf8')).toBe(key);
  });

  it.each([
    ['denied', { state: 'denied', reason: 'not ours' }, 'ENROLMENT_DENIED'],
    ['expired', { state: 'expired' }, 'ENROLMENT_EXPIRED'],
  ])('%s: says so, and the next call begins anew', async (_, body, code) => {
    approving();
    engine.handlers[AGENT_PATHS.poll] = () => ({ status: 200, body });
    await expect(start()).rejects.toMatchObject({ code });
    await expect(stat(paths.enrolment)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it.each(['CODE_INVALID', 'CODE_EXPIRED', 'CODE_USED_UP', 'CODE_REVOKED', 'RATE_LIMITED'] as const)(
    'the engine says %s',
    async (code) => {
      engine.handlers[AGENT_PATHS.request] = () => refused(code);
      await expect(start()).rejects.toMatchObject({ code });
    },
  );
});

describe('who is not the engine learns nothing', () => {
  it('wrong pin: nothing is sent', async () => {
    const pin = randomBytes(32).toString('base64url');
    await expect(start({ pin })).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    expect(engine.rawConnections).toHaveLength(1);
    // Whatever was sent would have come before the close.
    await Promise.all(engine.rawConnections.map((socket) => socket.closed || once(socket, 'close')));
    expect(engine.connections.every(({ bytesRead }) => bytesRead === 0)).toBe(true);
    expect(engine.requests).toBe(0);
  });

  it('shows the pinned authority, but has its certificate from another one', async () => {
    const { authority } = engine;
    const other = await loadAuthority(await createAuthority({ now: new Date(), commonName: 'Borealis CA' }));
    const twin = await EngineDouble.start({ authority, leaf: other });
    let asked = 0;
    twin.handlers[AGENT_PATHS.request] = () => {
      asked += 1;
      return refused('INTERNAL');
    };
    await expect(start(twin.address)).rejects.toMatchObject({ code: 'PIN_MISMATCH' });
    expect(asked).toBe(0);
    await twin.close();
  });

  it('does not speak TLS, or nobody is there', async () => {
    const server = createServer((socket) => socket.resume().end('220 smtp ready\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(start({ port })).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    server.close();
    await once(server, 'close');
    await expect(start({ port })).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });
});

describe('an engine that hands out what was not asked for', () => {
  it('names another key to its operators', async () => {
    approving(0, { fingerprint: '0'.repeat(64) });
    await expect(start()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });

  it('certifies another key', async () => {
    approving(0, { certificateKey: generateEd25519().publicKey });
    await expect(start()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
    await expect(loadCredentials(paths)).rejects.toMatchObject({ code: 'NOT_ENROLLED' });
  });

  it('answers with what is no answer', async () => {
    engine.handlers[AGENT_PATHS.request] = () => ({ status: 200, body: { request_id: 1 } });
    await expect(start()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
    engine.handlers[AGENT_PATHS.request] = () => ({ status: 200, body: { x: 'y'.repeat(100_000) } });
    await expect(start()).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' });
  });
});
