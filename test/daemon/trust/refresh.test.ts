import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateEd25519 } from '../../../src/crypto/ed25519.ts';
import { LOST_ANSWER_MS, REFRESH_TOKEN_MS } from '../../../src/daemon/trust/refresh-token.ts';
import type { CreatedCode } from '../../../src/protocol/code.ts';
import { AGENT_PATHS } from '../../../src/protocol/enrolment.ts';
import type { Event } from '../../../src/protocol/event.ts';
import { TurningClock } from '../agents.ts';
import { TestEngine } from '../engine.ts';
import { RawAgent } from '../raw-agent.ts';

const clock = new TurningClock();
let engine: TestEngine;
let code: CreatedCode;
beforeAll(async () => {
  engine = await TestEngine.start({
    clock,
    // Certificates that outlast the tokens, so that it is the tokens that end.
    flags: { enrol_requests_per_minute: '100000', certificate_days: '90' },
  });
  const { body } = await engine.call('POST', '/codes', { uses: 1000, auto_approve: true });
  code = body as CreatedCode;
});
afterAll(() => engine.close());

const enrolled = async (): Promise<RawAgent> => {
  const agent = new RawAgent(code.link);
  await agent.enrol();
  return agent;
};
const now = (): Date => new Date(clock.now());
const tokenOf = (agent: RawAgent): string => agent.enrolled!.refresh_token;
const refused = { status: 401, code: 'TOKEN_REUSED' };

test('each refresh brings a new pair, and the new access token opens the channel', async () => {
  const agent = await enrolled();
  const first = agent.enrolled!;
  expect((await agent.refresh()).status).toBe(200);
  expect(agent.enrolled!.refresh_token).not.toBe(first.refresh_token);
  expect(agent.enrolled!.access_token).not.toBe(first.access_token);
  const opened = await agent.channel();
  expect(opened.status).toBe(101);
  opened.socket.destroy();
});

test('a used token ends its family, the live channel and the access token, and operators hear of it', async () => {
  const agent = await enrolled();
  const stolen = tokenOf(agent);
  await agent.refresh();
  const second = tokenOf(agent);
  await agent.refresh();
  const alerts = engine.watch('/events?type=security.alert');
  await alerts.opened;
  expect(await agent.refresh(stolen)).toMatchObject(refused);
  const { guid } = agent.enrolled!;
  expect(await alerts.next<Event>()).toMatchObject({ guid, data: { code: 'TOKEN_REUSED' } });
  await alerts.close();
  expect(await agent.refresh()).toMatchObject(refused);
  expect(await agent.refresh(second)).toMatchObject(refused);
  const channel = await agent.channel();
  channel.socket.destroy();
  expect(channel).toMatchObject({ status: 401, code: 'EXPIRED_TOKEN' });
});

test('a token of any age shows its family, though old ones are not kept', async () => {
  const agent = await enrolled();
  const oldest = tokenOf(agent);
  for (let i = 0; i < 5; i++) expect((await agent.refresh()).status).toBe(200);
  expect(await agent.refresh(oldest)).toMatchObject(refused);
  expect(await agent.refresh()).toMatchObject(refused);
});

test('an answer may be lost: the token before is taken again, and the successor that nobody used ends', async () => {
  const agent = await enrolled();
  const token = tokenOf(agent);
  await agent.refresh();
  const lost = tokenOf(agent);
  expect((await agent.refresh(token)).status).toBe(200);
  expect((await agent.refresh(token)).status).toBe(200);
  expect((await agent.refresh()).status).toBe(200);
  expect(await agent.refresh(lost)).toMatchObject(refused);
});

test('after a backup was put back an agent goes on with what it was given since: once, then a second one is found out', async () => {
  const flags = { enrol_requests_per_minute: '100000', certificate_days: '90' };
  const before = await TestEngine.start({ clock, flags });
  const { body } = await before.call('POST', '/codes', { uses: 2, auto_approve: true });
  const [agent, robbed] = [0, 1].map(() => new RawAgent((body as CreatedCode).link)) as [RawAgent, RawAgent];
  for (const one of [agent, robbed]) await one.enrol();
  const backup = await before.call('POST', '/backup', { passphrase: 'correct horse' });
  const stolen: string[] = [];
  for (const one of [agent, robbed]) {
    for (let i = 0; i < 3; i++) {
      expect((await one.refresh()).status).toBe(200);
      stolen[i] = tokenOf(one);
    }
  }
  await before.call('POST', '/backup/restore', backup.bytes, { 'borealis-passphrase': 'correct horse' });
  await before.close({ keep: true });
  const listen = `${agent.host}:${agent.port}`;
  const after = await TestEngine.start({ clock, state: before.state, flags: { ...flags, listen } });
  try {
    for (let i = 0; i < 3; i++) expect((await agent.refresh()).status).toBe(200);
    // Whoever has a copy of a device's keys may be first, as without a backup; the device itself is then the second.
    const last = tokenOf(robbed);
    expect((await robbed.refresh(stolen[0])).status).toBe(200);
    expect(await robbed.refresh(last)).toMatchObject(refused);
    expect(await robbed.refresh()).toMatchObject(refused);
  } finally {
    await after.close();
  }
});

test('the token of another device, whose family goes on', async () => {
  const [one, other] = [await enrolled(), await enrolled()];
  const token = tokenOf(one);
  expect(await other.refresh(token)).toMatchObject({ status: 401, code: 'TOKEN_INVALID' });
  expect((await one.refresh()).status).toBe(200);
  expect((await other.refresh()).status).toBe(200);
});

test('a token that was never issued', async () => {
  const agent = await enrolled();
  expect(await agent.refresh(randomBytes(32).toString('base64url'))).toMatchObject({
    status: 401,
    code: 'TOKEN_INVALID',
  });
  expect((await agent.refresh()).status).toBe(200);
});

test('a token without proof, with a proof by another key, without certificate', async () => {
  const agent = await enrolled();
  const path = AGENT_PATHS.refresh;
  const body = { refresh_token: tokenOf(agent) };
  const dpop = agent.proof('POST', path, { now: now() });
  const foreign = agent.proof('POST', path, { now: now(), key: generateEd25519() });
  const ask = async (shown: boolean, headers: Record<string, string>) =>
    agent.post(await agent.connect(shown ? agent.shown : undefined), path, body, headers);
  expect(await ask(true, {})).toMatchObject({ status: 401, code: 'PROOF_INVALID' });
  expect(await ask(true, { dpop: foreign })).toMatchObject({ status: 401, code: 'PROOF_INVALID' });
  expect(await ask(false, { dpop })).toMatchObject({ status: 401, code: 'CERTIFICATE_REQUIRED' });
  expect((await ask(true, { dpop })).status).toBe(200);
  expect(await ask(true, { dpop })).toMatchObject({ status: 401, code: 'REPLAY_DETECTED' });
});

test('access tokens end after fifteen minutes, refresh tokens after thirty days', async () => {
  // Both before the clock is turned: what is issued later is not valid yet for OpenSSL.
  const [agent, idle] = [await enrolled(), await enrolled()];
  expect(agent.enrolled!.expires_in).toBeLessThanOrEqual(900);
  clock.advance(901_000);
  const path = AGENT_PATHS.channel;
  const channel = await agent.channel({ headers: agent.headers('GET', path, now()) });
  channel.socket.destroy();
  expect(channel).toMatchObject({ status: 401, code: 'EXPIRED_TOKEN' });
  expect((await agent.refresh(undefined, now())).status).toBe(200);
  const token = tokenOf(agent);
  await agent.refresh(token, now());
  clock.advance(LOST_ANSWER_MS + 1);
  expect(await agent.refresh(token, now())).toMatchObject(refused);
  clock.advance(REFRESH_TOKEN_MS);
  expect(await idle.refresh(undefined, now())).toMatchObject({ status: 401, code: 'EXPIRED_TOKEN' });
});
