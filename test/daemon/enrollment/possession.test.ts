import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateEd25519 } from '../../../src/crypto/ed25519.ts';
import type { CreatedCode } from '../../../src/protocol/code.ts';
import type { Device } from '../../../src/protocol/device.ts';
import type { Status } from '../../../src/protocol/engine.ts';
import { AGENT_PATHS } from '../../../src/protocol/enrolment.ts';
import { TurningClock } from '../agents.ts';
import { TestEngine } from '../engine.ts';
import { RawAgent } from '../raw-agent.ts';

const clock = new TurningClock();
let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start({ clock, flags: { enrol_requests_per_minute: '100000' } });
});
afterAll(() => engine.close());

const newCode = async (more: object = {}): Promise<CreatedCode> =>
  (await engine.call('POST', '/codes', more)).body as CreatedCode;
const approvedAgent = async (): Promise<RawAgent> => {
  const agent = new RawAgent((await newCode({ auto_approve: true })).link);
  await agent.request();
  return agent;
};
const signatureFailures = async (): Promise<number> =>
  ((await engine.call('GET', '/status')).body as Status).signature_failures;

test('a nonce is good once', async () => {
  const agent = await approvedAgent();
  const nonce = await agent.nonce();
  expect((await agent.complete(nonce)).status).toBe(200);
  expect(await agent.complete(nonce)).toMatchObject({ status: 401, code: 'REPLAY_DETECTED' });
});

test('a nonce is used up by a wrong signature', async () => {
  const agent = await approvedAgent();
  const nonce = await agent.nonce();
  const socket = await agent.connect();
  const signature = agent.sign(nonce, socket, generateEd25519());
  const before = await signatureFailures();
  const refused = await agent.post(socket, AGENT_PATHS.complete, { ...agent.asked, nonce, signature });
  expect(refused).toMatchObject({ status: 401, code: 'INVALID_SIGNATURE' });
  expect(await signatureFailures()).toBe(before + 1);
  expect(await agent.complete(nonce)).toMatchObject({ status: 401, code: 'REPLAY_DETECTED' });
});

test('a nonce of another request is refused', async () => {
  const [one, other] = [await approvedAgent(), await approvedAgent()];
  await one.nonce();
  expect((await one.complete(await other.nonce())).code).toBe('REPLAY_DETECTED');
});

test('relay: a signature made over another connection is refused', async () => {
  const agent = await approvedAgent();
  const nonce = await agent.nonce();
  // Somebody in the middle has the agent sign for the connection that leads to him, and passes it on over his own.
  const [towardsHim, his] = [await agent.connect(), await agent.connect()];
  const signature = agent.sign(nonce, towardsHim);
  const refused = await agent.post(his, AGENT_PATHS.complete, { ...agent.asked, nonce, signature });
  expect(refused).toMatchObject({ status: 401, code: 'INVALID_SIGNATURE' });
  towardsHim.destroy();
});

test('a signature for another request is refused', async () => {
  const agent = await approvedAgent();
  const nonce = await agent.nonce();
  const socket = await agent.connect();
  const signature = agent.sign(nonce, socket, agent.key, 'ffffffffffffffff');
  const refused = await agent.post(socket, AGENT_PATHS.complete, { ...agent.asked, nonce, signature });
  expect(refused).toMatchObject({ status: 401, code: 'INVALID_SIGNATURE' });
});

test('nothing is given before the approval, nor after a denial', async () => {
  const agent = new RawAgent((await newCode()).link);
  await agent.request();
  const nonce = randomBytes(32).toString('base64url');
  expect(await agent.complete(nonce)).toMatchObject({ status: 401, code: 'REPLAY_DETECTED' });
  const id = agent.asked!.request_id;
  await engine.call('POST', `/approvals/${id}/deny`, { reason: 'not ours' });
  expect((await agent.poll()).body).toEqual({ state: 'denied', reason: 'not ours' });
  expect(await agent.complete(nonce)).toMatchObject({ status: 403, code: 'ENROLMENT_DENIED' });
  const again = await engine.call('POST', `/approvals/${id}/approve`, {});
  expect(again.body).toMatchObject({ code: 'APPROVAL_DECIDED' });
});

test('the answer to a completion may be lost: the same key completes again, and what was issued first ends', async () => {
  const agent = await approvedAgent();
  await agent.complete(await agent.nonce());
  const lost = agent.enrolled!;
  expect((await agent.complete(await agent.nonce())).status).toBe(200);
  expect(agent.enrolled!.guid).toBe(lost.guid);
  const { body } = await engine.call('GET', '/devices?limit=1000');
  expect((body as { items: Device[] }).items.filter((device) => device.guid === lost.guid)).toHaveLength(1);

  const other = new RawAgent((await newCode()).link);
  other.key = agent.key;
  other.enrolled = lost;
  expect(await other.refresh()).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
  expect((await agent.refresh(lost.refresh_token)).code).toBe('TOKEN_INVALID');
  expect((await agent.refresh()).status).toBe(200);
});

test('a revoked device does not come back by completing again', async () => {
  const agent = await approvedAgent();
  const { guid } = await agent.enrol();
  await engine.call('POST', `/devices/${guid}/revoke`, {});
  expect((await agent.complete(await agent.nonce())).code).toBe('ENROLMENT_DENIED');
  expect((await engine.call('GET', `/devices/${guid}`)).body).toMatchObject({
    state: 'revoked',
    contexts: [],
  });
});

// Last: after a jump of the engine's clock, proofs and certificates no longer agree with OpenSSL's.
test('a new nonce ends the one before; each ends after a minute', async () => {
  const agent = await approvedAgent();
  const first = await agent.nonce();
  const second = await agent.nonce();
  expect((await agent.complete(first)).code).toBe('REPLAY_DETECTED');
  expect((await agent.complete(second)).code).toBe('REPLAY_DETECTED');
  const third = await agent.nonce();
  clock.advance(60_000);
  expect((await agent.complete(third)).code).toBe('REPLAY_DETECTED');
});

test('an approval that is not completed in time expires', async () => {
  const agent = await approvedAgent();
  const nonce = await agent.nonce();
  clock.advance(3_600_001);
  expect((await agent.poll()).body).toEqual({ state: 'expired' });
  expect(await agent.complete(nonce)).toMatchObject({ status: 403, code: 'ENROLMENT_EXPIRED' });
});
