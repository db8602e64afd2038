import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createAuthority, issueClientCertificate, loadAuthority } from '../../../src/crypto/ca.ts';
import { generateEd25519 } from '../../../src/crypto/ed25519.ts';
import { jwkThumbprint } from '../../../src/crypto/keys.ts';
import { issueAccessToken } from '../../../src/crypto/token.ts';
import type { CreatedCode } from '../../../src/protocol/code.ts';
import type { Device } from '../../../src/protocol/device.ts';
import type { Status } from '../../../src/protocol/engine.ts';
import { AGENT_PATHS } from '../../../src/protocol/enrolment.ts';
import type { Event } from '../../../src/protocol/event.ts';
import { CLOSE } from '../../../src/protocol/frame.ts';
import { TestEngine, type Watching } from '../engine.ts';
import { type Key, RawAgent } from '../raw-agent.ts';

const CHANNEL = AGENT_PATHS.channel;
let engine: TestEngine;
let code: CreatedCode;
let agent: RawAgent;
let alerts: Watching;

beforeAll(async () => {
  engine = await TestEngine.start({ flags: { enrol_requests_per_minute: '100000' } });
  const { body } = await engine.call('POST', '/codes', { uses: 1000, auto_approve: true });
  code = body as CreatedCode;
});
afterAll(() => engine.close());
beforeEach(async () => {
  agent = await enrolled();
  alerts = engine.watch('/events?type=security.alert');
  await alerts.opened;
});
afterEach(() => alerts.close());

const enrolled = async (): Promise<RawAgent> => {
  const made = new RawAgent(code.link);
  await made.enrol();
  return made;
};
const status = async (): Promise<Status> => (await engine.call('GET', '/status')).body as Status;
const refused = async (
  expected: { status: number; code: string },
  options: Parameters<RawAgent['channel']>[0],
  from = agent,
): Promise<void> => {
  const reply = await from.channel(options);
  reply.socket.destroy();
  expect(reply).toMatchObject(expected);
};
/** Refused, counted, and told to operators under the name of the device. */
const alarmed = async (
  expected: { status: number; code: string },
  options: Parameters<RawAgent['channel']>[0],
): Promise<void> => {
  const before = (await status()).signature_failures;
  await refused(expected, options);
  expect((await status()).signature_failures).toBe(before + 1);
  expect(await alerts.next<Event>()).toMatchObject({
    type: 'security.alert',
    guid: agent.enrolled!.guid,
    data: { code: expected.code, path: CHANNEL },
  });
};
const proofs = (more: Parameters<RawAgent['proof']>[2] = {}, method = 'GET', path: string = CHANNEL) => {
  const accessToken = agent.enrolled!.access_token;
  return {
    headers: {
      authorization: `DPoP ${accessToken}`,
      dpop: agent.proof(method, path, { accessToken, ...more }),
    },
  };
};

/** Of a WebSocket close frame (RFC 6455 §5.5.1). */
const closeCode = ([frame]: unknown[]): number => {
  expect((frame as Buffer)[0]).toBe(0x88);
  return (frame as Buffer).readUInt16BE(2);
};

test('the right agent is let in', async () => {
  const reply = await agent.channel();
  expect(reply.status).toBe(101);
  reply.socket.destroy();
});

test('no certificate', () => refused({ status: 401, code: 'CERTIFICATE_REQUIRED' }, { shown: undefined }));

test('no certificate, on a TLS session that is resumed', async () => {
  (await agent.connect()).destroy();
  const socket = await agent.connect();
  await agent.post(socket, AGENT_PATHS.poll, {});
  const { session } = agent;
  await refused({ status: 401, code: 'CERTIFICATE_REQUIRED' }, { shown: undefined, session: session! });
});

test('a certificate of another authority, with the same names and key', async () => {
  const now = new Date();
  const other = await loadAuthority(await createAuthority({ now, commonName: 'Borealis engine authority' }));
  const { certificatePem: certificate } = await issueClientCertificate(other, {
    guid: agent.enrolled!.guid,
    context: 'system',
    publicKey: agent.key.publicKey,
    now,
  });
  await refused({ status: 401, code: 'CERTIFICATE_REQUIRED' }, { shown: { key: agent.key, certificate } });
});

test('the certificate of another device, with that key, and one’s own token', async () => {
  const other = await enrolled();
  await refused({ status: 401, code: 'TOKEN_INVALID' }, { shown: other.shown });
});

test('the token of another device', async () => {
  const other = await enrolled();
  const { access_token: accessToken } = other.enrolled!;
  const dpop = agent.proof('GET', CHANNEL, { accessToken });
  const headers = { authorization: `DPoP ${accessToken}`, dpop };
  await alarmed({ status: 401, code: 'TOKEN_INVALID' }, { headers });
});

test('a token that the engine did not sign', async () => {
  const jkt = jwkThumbprint(agent.key.publicKey);
  const { token: accessToken } = issueAccessToken(
    { guid: agent.enrolled!.guid, context: 'system', tokenVersion: 1, jkt },
    { seed: generateEd25519().seed, now: new Date() },
  );
  const dpop = agent.proof('GET', CHANNEL, { accessToken });
  await alarmed(
    { status: 401, code: 'TOKEN_INVALID' },
    { headers: { authorization: `DPoP ${accessToken}`, dpop } },
  );
});

test('no token, or one that is not DPoP', async () => {
  const dpop = agent.proof('GET', CHANNEL);
  await refused({ status: 401, code: 'TOKEN_INVALID' }, { headers: { dpop } });
  const authorization = `Bearer ${agent.enrolled!.access_token}`;
  await refused({ status: 401, code: 'TOKEN_INVALID' }, { headers: { dpop, authorization } });
});

test('no proof', () =>
  alarmed(
    { status: 401, code: 'PROOF_INVALID' },
    { headers: { authorization: `DPoP ${agent.enrolled!.access_token}` } },
  ));

test('a proof that is replayed', async () => {
  const options = proofs();
  const first = await agent.channel(options);
  expect(first.status).toBe(101);
  first.socket.destroy();
  await alarmed({ status: 401, code: 'REPLAY_DETECTED' }, options);
});

test('a proof for another URL', () =>
  alarmed({ status: 401, code: 'PROOF_INVALID' }, proofs({}, 'GET', AGENT_PATHS.renew)));
test('a proof for another method', () => alarmed({ status: 401, code: 'PROOF_INVALID' }, proofs({}, 'POST')));
test('a proof with another key', () => {
  const key: Key = generateEd25519();
  return alarmed({ status: 401, code: 'PROOF_INVALID' }, proofs({ key }));
});
test('a proof for another token', () =>
  alarmed(
    { status: 401, code: 'PROOF_INVALID' },
    proofs({ accessToken: `${agent.enrolled!.access_token}x` }),
  ));
test('a proof without a token', () =>
  alarmed({ status: 401, code: 'PROOF_INVALID' }, proofs({ accessToken: undefined })));
const clockOffset = async (): Promise<number | null> => {
  const { body } = await engine.call('GET', `/devices/${agent.enrolled!.guid}`);
  return (body as Device).clock_offset_ms;
};
test('a proof of two minutes ago, by which it is seen how far the clock is off', async () => {
  const now = new Date(Date.now() - 120_000);
  await alarmed({ status: 401, code: 'PROOF_INVALID' }, proofs({ now }));
  await expect
    .poll(clockOffset)
    .toSatisfy((ms: number | null) => ms !== null && Math.abs(ms + 120_000) < 30_000);
});
test('a proof of two minutes ago with another key, which says nothing of the device’s clock', async () => {
  const now = new Date(Date.now() - 120_000);
  await alarmed({ status: 401, code: 'PROOF_INVALID' }, proofs({ now, key: generateEd25519() }));
  expect(await clockOffset()).toBeNull();
});

test('whoever steals a TLS session, but not the key, gets no further', async () => {
  const socket = await agent.connect(agent.shown);
  await agent.post(socket, AGENT_PATHS.poll, {});
  const session = agent.session!;
  const opened = await agent.channel({ shown: undefined, session });
  expect(opened.socket.isSessionReused() ?? true).toBe(true);
  expect(opened.status).toBe(101);
  opened.socket.destroy();
  // The session brings the certificate along, but each proof wants the key itself.
  const key: Key = generateEd25519();
  await alarmed({ status: 401, code: 'PROOF_INVALID' }, { ...proofs({ key }), shown: undefined, session });
});

test('a certificate for which no device is on record', async () => {
  await engine.call('DELETE', `/devices/${agent.enrolled!.guid}`);
  await refused({ status: 403, code: 'DEVICE_REVOKED' }, {});
  expect(await agent.refresh()).toMatchObject({ status: 403, code: 'DEVICE_REVOKED' });
});

test('a revoked device', async () => {
  const device = `/devices/${agent.enrolled!.guid}`;
  const open = await agent.channel();
  const closing = once(open.socket, 'data');
  expect((await engine.call('POST', `${device}/revoke`, { reason: 'stolen' })).body).toMatchObject({
    state: 'revoked',
  });
  expect(closeCode(await closing)).toBe(CLOSE.forbidden);
  open.socket.destroy();
  await refused({ status: 403, code: 'DEVICE_REVOKED' }, {});
  expect(await agent.refresh()).toMatchObject({ status: 403, code: 'DEVICE_REVOKED' });
  expect(await agent.renew()).toMatchObject({ status: 403, code: 'DEVICE_REVOKED' });
  expect((await engine.call('POST', `${device}/revoke`, {})).body).toMatchObject({
    code: 'DEVICE_STATE_CONFLICT',
  });
});

test('a quarantined device, until it is released', async () => {
  const device = `/devices/${agent.enrolled!.guid}`;
  const open = await agent.channel();
  const closing = once(open.socket, 'data');
  await engine.call('POST', `${device}/quarantine`, {});
  expect(closeCode(await closing)).toBe(CLOSE.forbidden);
  open.socket.destroy();
  await refused({ status: 403, code: 'DEVICE_QUARANTINED' }, {});
  expect(await agent.refresh()).toMatchObject({ status: 403, code: 'DEVICE_QUARANTINED' });
  expect((await engine.call('POST', `${device}/release`)).body).toMatchObject({ state: 'pending' });
  // Tokens from before stay withdrawn.
  await refused({ status: 401, code: 'EXPIRED_TOKEN' }, {});
  expect((await agent.refresh()).status).toBe(200);
  const again = await agent.channel();
  expect(again.status).toBe(101);
  again.socket.destroy();
});

test('an old certificate is good until the new one was seen', async () => {
  const old = agent.shown;
  const lost = await agent.renew();
  expect(lost.status).toBe(200);
  const answered = await agent.renew();
  expect(answered.status).toBe(200);
  const renewed = { key: agent.key, certificate: answered.body.certificate as string };
  await agent.channel({ shown: old }).then(({ status, socket }) => {
    expect(status).toBe(101);
    socket.destroy();
  });
  await agent.channel({ shown: renewed }).then(({ status, socket }) => {
    expect(status).toBe(101);
    socket.destroy();
  });
  // Ending the old one is written after the answer.
  for (;;) {
    const reply = await agent.channel({ shown: old });
    reply.socket.destroy();
    if (reply.status === 101) continue;
    expect(reply.code).toBe('CERTIFICATE_REQUIRED');
    break;
  }
  const never = { key: agent.key, certificate: lost.body.certificate as string };
  await refused({ status: 401, code: 'CERTIFICATE_REQUIRED' }, { shown: never });
});

test('renewals are limited', async () => {
  for (let i = 0; i < 12; i++) expect((await agent.renew()).status).toBe(200);
  expect(await agent.renew()).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
});

test('an unknown path asks for no certificate and tells nothing', async () => {
  await refused({ status: 404, code: 'NO_SUCH_OPERATION' }, { path: '/agent/v1/other' });
});
