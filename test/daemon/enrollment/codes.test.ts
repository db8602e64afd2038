import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Approval } from '../../../src/protocol/approval.ts';
import type { CreatedCode } from '../../../src/protocol/code.ts';
import type { Event } from '../../../src/protocol/event.ts';
import { TurningClock, until } from '../agents.ts';
import { problem, TestEngine } from '../engine.ts';
import { fingerprintOf, RawAgent } from '../raw-agent.ts';

const MINUTE = 60_000;
const clock = new TurningClock();
let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start({ clock });
});
afterAll(() => engine.close());

const newCode = async (more: object = {}): Promise<CreatedCode> =>
  (await engine.call('POST', '/codes', more)).body as CreatedCode;
/** Each test knocks as if a minute had passed since the one before. */
const quiet = (): void => clock.advance(MINUTE);

test('the code is shown once and stored hashed only', async () => {
  const code = await newCode({ uses: 3, expires_in: 3600 });
  expect(code).toMatchObject({ uses: 3, uses_left: 3, state: 'active' });
  expect(code.link).toBe(
    `borealis://127.0.0.1:${new URL(code.link).port}/?code=${code.code}&pin=${code.pin}`,
  );
  const listed = await engine.call('GET', '/codes');
  expect(listed.text).not.toContain(code.code);
  expect(listed.body).toMatchObject([{ id: code.id }]);
  for (const file of ['borealis.db', 'borealis.db-wal'])
    expect(readFileSync(join(engine.state, file)).includes(code.code)).toBe(false);
});

test.each([
  ['engine.example.org', 'engine.example.org'],
  ['engine.example.org:9000', 'engine.example.org:9000'],
  ['[2001:db8::1]:9000', '[2001:db8::1]:9000'],
])('a link for %s', async (address, host) => {
  const code = await newCode({ address });
  expect(code.link.startsWith(`borealis://${host}`)).toBe(true);
});

test.each(['no host', 'host:port', 'host:0', '[1.2.3.4]:80', 'a/b'])('no link for %s', async (address) => {
  expect(problem(await engine.call('POST', '/codes', { address })).code).toBe('INVALID_INPUT');
});

test('an expired code is refused', async () => {
  quiet();
  const agent = new RawAgent((await newCode({ expires_in: 60 })).link);
  clock.advance(61_000);
  expect(await agent.request()).toMatchObject({ status: 403, code: 'CODE_EXPIRED' });
});

test('a code is used up by as many requests as it allows', async () => {
  quiet();
  const { link, id } = await newCode({ uses: 2 });
  expect((await new RawAgent(link).request()).status).toBe(200);
  expect((await new RawAgent(link).request()).status).toBe(200);
  expect(await new RawAgent(link).request()).toMatchObject({ status: 403, code: 'CODE_USED_UP' });
  const all = (await engine.call('GET', '/codes?all=true')).body as CreatedCode[];
  expect(all.find((code) => code.id === id)).toMatchObject({ state: 'used_up', uses_left: 0 });
});

test('a revoked code is refused, also for the agent that asked with it before', async () => {
  quiet();
  const { link, id } = await newCode({ uses: 2 });
  const agent = new RawAgent(link);
  expect((await agent.request()).status).toBe(200);
  expect((await engine.call('DELETE', `/codes/${id.slice(0, 8)}`)).body).toMatchObject({ state: 'revoked' });
  expect(await new RawAgent(link).request()).toMatchObject({ status: 403, code: 'CODE_REVOKED' });
  expect(await agent.request()).toMatchObject({ status: 403, code: 'CODE_REVOKED' });
  expect(problem(await engine.call('DELETE', `/codes/${id}`)).code).toBe('CODE_REVOKED');
  expect(problem(await engine.call('DELETE', '/codes/zz')).code).toBe('CODE_NOT_FOUND');
});

test('the same key asking again gets the same request, takes no further use, and the old secret ends', async () => {
  quiet();
  const agent = new RawAgent((await newCode({ uses: 1 })).link);
  await agent.request();
  const first = agent.asked!;
  expect((await agent.request()).status).toBe(200);
  expect(agent.asked!.request_id).toBe(first.request_id);
  expect(agent.asked!.request_secret).not.toBe(first.request_secret);
  expect(await agent.poll(first)).toMatchObject({ status: 404, code: 'APPROVAL_NOT_FOUND' });
  expect((await agent.poll()).body).toMatchObject({ state: 'waiting' });
});

test('a recorded request is of no use', async () => {
  quiet();
  const agent = new RawAgent((await newCode({ uses: 5 })).link);
  const nonce = randomBytes(32).toString('base64url');
  expect((await agent.request({ nonce })).status).toBe(200);
  expect(await agent.request({ nonce })).toMatchObject({ status: 401, code: 'REPLAY_DETECTED' });
});

test('a request with an unsound key, an extra field or a wrong type is refused', async () => {
  quiet();
  const agent = new RawAgent((await newCode()).link);
  for (const more of [
    { public_key: 'A'.repeat(43) },
    { public_key: undefined },
    { extra: 1 },
    { hostname: 'a\nb' },
    { hostname: '' },
    { fingerprint: 'F'.repeat(64) },
    { context: 'root' },
  ])
    expect(await agent.request(more), JSON.stringify(more)).toMatchObject({
      status: 400,
      code: 'INVALID_INPUT',
    });
  expect((await agent.request()).status).toBe(200);
});

test('forty requests a minute from one address, right or wrong', async () => {
  quiet();
  const { link } = await newCode({ uses: 100 });
  for (let i = 0; i < 40; i++) expect((await new RawAgent(link).request()).status).toBe(200);
  const refused = await new RawAgent(link).request();
  expect(refused).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
  expect(refused.headers['retry-after']).toBe('60');
  clock.advance(MINUTE - 1_000);
  quiet();
  expect((await new RawAgent(link).request()).status).toBe(200);
});

test('twelve requests a minute from one machine', async () => {
  quiet();
  const { link } = await newCode({ uses: 100 });
  const fingerprint = fingerprintOf('one machine');
  for (let i = 0; i < 12; i++) expect((await new RawAgent(link, { fingerprint }).request()).status).toBe(200);
  expect(await new RawAgent(link, { fingerprint }).request()).toMatchObject({
    status: 429,
    code: 'RATE_LIMITED',
  });
  expect((await new RawAgent(link).request()).status).toBe(200);
});

test('guessed codes are refused alike, run into the limit, and operators hear of them', async () => {
  quiet();
  const { link, code } = await newCode();
  const guesses = ['AAAAA-AAAAA-AAAAA-AAAAA', 'short', `${code.slice(0, -1)}?`];
  for (let i = 0; i < 40; i++) {
    const guess = await new RawAgent(link).request({ code: guesses[i % 3] });
    expect(guess).toMatchObject({ status: 403, code: 'CODE_INVALID' });
  }
  expect(await new RawAgent(link).request()).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
  const told = await until(async () => {
    const { body } = await engine.call('GET', '/audit?action=security.alert');
    return (body as { items: { result: string }[] }).items.find((record) => record.result === 'CODE_INVALID');
  });
  expect(told).toMatchObject({ action: 'security.alert', target: '127.0.0.1' });
  const watching = engine.watch('/events?after=0&type=security.alert');
  expect(await watching.next<Event>()).toMatchObject({
    type: 'security.alert',
    data: { code: 'CODE_INVALID' },
  });
  await watching.close();
});

test('wrong secrets are refused like unknown requests, and limited', async () => {
  quiet();
  const agent = new RawAgent((await newCode()).link);
  await agent.request();
  const request_secret = randomBytes(32).toString('base64url');
  for (let i = 0; i < 40; i++) {
    const more = i % 2 === 0 ? { request_secret } : { request_id: 'ffffffffffffffff' };
    expect(await agent.poll(more)).toMatchObject({ status: 404, code: 'APPROVAL_NOT_FOUND' });
  }
  expect(await agent.poll()).toMatchObject({ status: 429, code: 'RATE_LIMITED' });
  quiet();
  expect((await agent.poll()).body).toMatchObject({ state: 'waiting' });
});

test('a request that nobody decides expires', async () => {
  quiet();
  const agent = new RawAgent((await newCode()).link, { hostname: 'slow' });
  await agent.request();
  clock.advance(61 * MINUTE);
  expect((await agent.poll()).body).toEqual({ state: 'expired' });
  const id = agent.asked!.request_id;
  expect((await engine.call('GET', `/approvals/${id}`)).body).toMatchObject({ state: 'expired' });
  expect(problem(await engine.call('POST', `/approvals/${id}/approve`, {})).code).toBe('APPROVAL_DECIDED');
  const waiting = (await engine.call('GET', '/approvals')).body as Approval[];
  expect(waiting.map((approval) => approval.id)).not.toContain(id);
});
