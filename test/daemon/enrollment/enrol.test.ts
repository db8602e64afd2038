import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseClientCertificate } from '../../../src/crypto/ca.ts';
import type { Approval } from '../../../src/protocol/approval.ts';
import type { CreatedCode } from '../../../src/protocol/code.ts';
import type { Device } from '../../../src/protocol/device.ts';
import { TurningClock } from '../agents.ts';
import { TestEngine } from '../engine.ts';
import { RawAgent } from '../raw-agent.ts';

const clock = new TurningClock();
let engine: TestEngine;
beforeAll(async () => {
  engine = await TestEngine.start({ clock, flags: { enrol_requests_per_minute: '1000' } });
});
afterAll(() => engine.close());

const newCode = async (more: object = {}): Promise<CreatedCode> =>
  (await engine.call('POST', '/codes', more)).body as CreatedCode;

test('a code that approves by itself enrols an agent without anybody', async () => {
  const code = await newCode({ auto_approve: true, site: 'north', tags: { role: 'web' } });
  const agent = new RawAgent(code.link, { hostname: 'alpha' });
  const enrolled = await agent.enrol();
  expect(enrolled.name).toBe('alpha');
  const { body } = await engine.call('GET', '/devices/alpha');
  expect(body as Device).toMatchObject({
    guid: enrolled.guid,
    site: 'north',
    tags: { role: 'web' },
    state: 'pending',
    contexts: [{ context: 'system', online: false }],
  });
  expect(parseClientCertificate(enrolled.certificate)).toMatchObject({
    guid: enrolled.guid,
    context: 'system',
  });
  const opened = await agent.channel();
  expect(opened.status).toBe(101);
  opened.socket.destroy();
});

test('an operator approves, and sees the fingerprint of the key', async () => {
  const agent = new RawAgent((await newCode()).link, { hostname: 'beta' });
  const { body } = await agent.request();
  expect((await agent.poll()).body).toMatchObject({ state: 'waiting' });
  const { body: waiting } = await engine.call('GET', '/approvals');
  expect(waiting as Approval[]).toMatchObject([
    { hostname: 'beta', state: 'waiting', conflict: null, key_fingerprint: body.key_fingerprint },
  ]);
  const id = (waiting as Approval[])[0]!.id;
  const approved = await engine.call('POST', `/approvals/${id.slice(0, 6)}/approve`, {});
  expect(approved.body).toMatchObject({ state: 'approved', device: 'beta' });
  await agent.enrol();
  expect((await engine.call('GET', `/approvals/${id}`)).body).toMatchObject({
    state: 'completed',
    device: 'beta',
  });
});
