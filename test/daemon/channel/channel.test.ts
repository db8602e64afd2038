import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CLOSE, FRAME_MAX_BYTES } from '../../../src/protocol/frame.ts';
import { type TestAgent, TestAgents, type TestDevice, until } from '../agents.ts';
import { sampleAt } from '../telemetry/sample.ts';

let agents: TestAgents;
let device: TestDevice;

beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  device = await agents.enrol('web1');
});
afterEach(() => agents.close());

const row = () =>
  agents.store.read
    .selectFrom('device')
    .selectAll()
    .where('guid', '=', device.guid)
    .executeTakeFirstOrThrow();

describe('HELLO', () => {
  test('is answered with WELCOME, and the device is online with what it said', async () => {
    const agent = await agents.dial(device);
    expect(agents.channels.isOnline(device.guid)).toBe(false);
    agent.send(agent.hello({ hostname: 'web1.lan', agent_version: '9.9.9' }));
    expect(await agent.next('WELCOME')).toMatchObject({ heartbeat_ms: 15_000, telemetry_ms: 30_000 });
    expect(agents.channels.isOnline(device.guid)).toBe(true);
    expect(agents.channels.count).toBe(1);
    expect([...agents.channels.online()]).toEqual([device.guid]);
    expect(agents.channels.get(device.guid, 'system')).toMatchObject({ name: 'web1', address: '127.0.0.1' });
    const event = await agents.event('device.online');
    expect(event).toMatchObject({ device: 'web1', guid: device.guid, message: 'web1 is online' });
    const stored = await row();
    expect(stored).toMatchObject({ hostname: 'web1.lan', agent_version: '9.9.9', address: '127.0.0.1' });
    expect(stored.last_seen_at).toBeGreaterThan(0);
    expect(Math.abs(stored.clock_offset_ms!)).toBeLessThan(2_000);
  });

  test('tells how wrong the clock of the device is', async () => {
    const agent = await agents.dial(device);
    agent.send(agent.hello({ now: new Date(agents.clock.now() + 3_600_000).toISOString() }));
    await agents.event('device.online');
    expect(Math.round((await row()).clock_offset_ms! / 60_000)).toBe(60);
  });

  test('is not the last word: a clock that is set while the channel stays is known with the next measurement', async () => {
    const agent = await agents.connect(device);
    const minutes = async () => Math.round((await row()).clock_offset_ms! / 60_000);
    for (const ahead of [60, -60, 0]) {
      agent.send({ type: 'TELEMETRY', sample: sampleAt(agents.clock.now() + ahead * 60_000) });
      await until(async () => (await minutes()) === ahead);
    }
    // The engine's own.
    agents.clock.set(-3_600_000);
    agent.send({ type: 'TELEMETRY', sample: sampleAt(agents.clock.now() + 3_600_000) });
    await until(async () => (await minutes()) === 60);
    expect(agents.channels.isOnline(device.guid)).toBe(true);
  });

  test('with control characters in a name is refused: names end up on terminals', async () => {
    const agent = await agents.dial(device);
    agent.send(agent.hello({ hostname: 'web\u001b[31m1' }));
    expect(await agent.closed).toMatchObject({ code: CLOSE.malformed, reason: 'hostname is not valid' });
  });

  test('comes first', async () => {
    const agent = await agents.dial(device);
    agent.send({ type: 'PING', t: 1 });
    expect(await agent.closed).toEqual({ code: CLOSE.malformed, reason: 'HELLO comes first' });
  });

  test('comes only once', async () => {
    const agent = await agents.connect(device);
    agent.send(agent.hello());
    expect(await agent.closed).toMatchObject({ code: CLOSE.malformed, reason: 'a second HELLO' });
  });

  test('comes within a minute', async () => {
    const agent = await agents.dial(device);
    agents.clock.advance(60_500);
    expect(await agent.closed).toMatchObject({ code: CLOSE.malformed, reason: 'no HELLO came' });
  });

  test.each([
    ['of another device', { guid: 'b0a1d6a5-6f5c-4f0a-9f57-000000000000' }],
    ['of another context', { context: 'user' }],
  ])('%s is refused and told to operators', async (_, changed) => {
    const agent = await agents.dial(device);
    agent.send(agent.hello(changed));
    expect(await agent.closed).toMatchObject({ code: CLOSE.unauthorised });
    expect(await agents.event('security.alert')).toMatchObject({ device: 'web1' });
    expect(agents.channels.isOnline(device.guid)).toBe(false);
  });

  test.each([
    ['quarantined', 'DEVICE_QUARANTINED'],
    ['revoked', 'DEVICE_REVOKED'],
  ] as const)('of a device that was %s since it authenticated is refused', async (state, reason) => {
    const agent = await agents.dial(device);
    await agents.store.write(async (tx) => {
      await tx.db.updateTable('device').set({ state }).where('guid', '=', device.guid).execute();
    });
    agent.send(agent.hello());
    expect(await agent.closed).toEqual({ code: CLOSE.forbidden, reason });
  });
});

describe('a channel', () => {
  test('answers PING with PONG', async () => {
    const agent = await agents.connect(device);
    agent.send({ type: 'PING', t: 42.5 });
    expect(await agent.next('PONG')).toEqual({ type: 'PONG', t: 42.5 });
  });

  test('gives way to a newer one of the same device and context, without an event', async () => {
    const old = await agents.connect(device);
    const fresh = await agents.connect(device);
    expect(await old.closed).toMatchObject({ code: CLOSE.superseded });
    expect(agents.channels.count).toBe(1);
    expect((await fresh.settled()).length).toBeGreaterThan(0);
    await agents.event('device.online');
    expect(agents.told.filter((event) => event.type.startsWith('device.'))).toHaveLength(1);
  });

  test('of the other context does not repeat device.online, and the device stays online with it', async () => {
    const user = await agents.enrol('web1', { context: 'user', guid: device.guid });
    const first = await agents.connect(device);
    await agents.connect(user);
    first.socket.close(CLOSE.clean);
    await until(() => agents.channels.count === 1);
    expect(agents.channels.isOnline(device.guid)).toBe(true);
    agents.channels.disconnect(device.guid, CLOSE.forbidden, 'DEVICE_QUARANTINED');
    await agents.event('device.offline');
    expect(agents.told.map((event) => event.type)).toEqual(['device.online', 'device.offline']);
  });

  test('closed cleanly means offline at once', async () => {
    const agent = await agents.connect(device);
    agent.socket.close(CLOSE.clean);
    expect(await agents.event('device.offline')).toMatchObject({
      guid: device.guid,
      message: 'web1 is offline',
    });
    expect(agents.channels.isOnline(device.guid)).toBe(false);
  });

  test('that broke and came back is no event', async () => {
    const agent = await agents.connect(device);
    await agents.event('device.online');
    agent.socket.terminate();
    await until(() => agents.channels.count === 0);
    await agents.connect(device);
    agents.clock.advance(30_000);
    const later = await agents.connect(await agents.enrol('web2'));
    later.socket.close(CLOSE.clean);
    await agents.event('device.offline', (event) => event.device === 'web2');
    expect(agents.told.filter((event) => event.device === 'web1')).toHaveLength(1);
  });

  test('that broke and did not come back is offline after a while', async () => {
    const agent = await agents.connect(device);
    agent.socket.terminate();
    await until(() => agents.channels.count === 0);
    agents.clock.advance(60_500);
    expect(await agents.event('device.offline')).toMatchObject({ guid: device.guid });
  });

  test('on which nothing is heard is closed, and its device offline', async () => {
    const agent = await agents.connect(device);
    agents.clock.advance(40_500);
    expect(await agent.closed).toMatchObject({ code: CLOSE.goingAway });
    await agents.event('device.offline');
    expect(agents.channels.counters.silent).toBe(1);
  });

  test('ends after a day, so that its agent proves itself anew', async () => {
    agents.settings.offline_after_seconds = 200_000;
    const agent = await agents.connect(device);
    agents.clock.advance(86_400_000);
    expect(await agent.closed).toEqual({ code: CLOSE.goingAway, reason: 'connect anew' });
  });

  test('is cut off at once, ready or not', async () => {
    const ready = await agents.connect(device);
    const fresh = await agents.dial(device);
    agents.channels.disconnect(device.guid, CLOSE.forbidden, 'DEVICE_REVOKED');
    expect(agents.channels.isOnline(device.guid)).toBe(false);
    expect(await ready.closed).toEqual({ code: CLOSE.forbidden, reason: 'DEVICE_REVOKED' });
    expect(await fresh.closed).toEqual({ code: CLOSE.forbidden, reason: 'DEVICE_REVOKED' });
  });

  test('is cut off with a reason of any length', async () => {
    const agent = await agents.connect(device);
    agents.channels.disconnect(device.guid, CLOSE.forbidden, 'ä'.repeat(200));
    expect(await agent.closed).toMatchObject({ code: CLOSE.forbidden });
  });

  test('is told when the engine stops; that is no device going offline', async () => {
    const agent = await agents.connect(device);
    await agents.event('device.online');
    await agents.channels.close();
    expect(await agent.closed).toMatchObject({ code: CLOSE.goingAway });
    expect(agents.told.map((event) => event.type)).toEqual(['device.online']);
    await expect(agents.dial(device)).rejects.toThrow('503');
  });

  test('needs our subprotocol', async () => {
    await expect(agents.dial(device, 'graphql-ws')).rejects.toThrow('400');
  });

  test('keeps last_seen current without a write for each heartbeat', async () => {
    const agent = await agents.connect(device);
    await agents.event('device.online');
    const before = (await row()).last_seen_at!;
    agents.clock.advance(31_000);
    await agent.settled();
    await until(async () => (await row()).last_seen_at! >= before + 31_000);
  });
});

describe('a frame', () => {
  let agent: TestAgent;
  beforeEach(async () => {
    agent = await agents.connect(device);
  });

  test.each([
    ['not JSON', 'hello', 'not JSON'],
    ['cut off', '{"type":"PING","t":', 'not JSON'],
    ['an array', '[]', 'not a frame of this protocol'],
    ['null', 'null', 'not a frame of this protocol'],
    ['of no known type', '{"type":"SHELL"}', 'not a frame of this protocol'],
    ['that only engines send', '{"type":"COMMAND","envelope":"a.b.c"}', 'not a frame of this protocol'],
    ['with an extra key', '{"type":"PING","t":1,"x":1}', 'unknown key in the frame'],
    ['with __proto__', '{"type":"PING","t":1,"__proto__":{}}', 'unknown key in the frame'],
    ['of the wrong type', '{"type":"PING","t":"1"}', 't is not valid'],
    ['with a key missing', '{"type":"ACCEPTED"}', 'corr_id is not valid'],
    [
      'nested without end',
      `{"type":"PING","t":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      't is not valid',
    ],
    ['empty', '', 'not JSON'],
  ])('%s closes the channel', async (_, text, reason) => {
    agent.send(text);
    expect(await agent.closed).toEqual({ code: CLOSE.malformed, reason });
    expect(agents.channels.counters.malformed).toBe(1);
    expect(agents.channels.count).toBe(0);
  });

  test('that is binary closes the channel', async () => {
    agent.send(Buffer.from('{"type":"PING","t":1}'));
    expect(await agent.closed).toEqual({ code: CLOSE.malformed, reason: 'binary message' });
  });

  test('over the size limit closes the channel', async () => {
    agent.send(`{"type":"PING","t":${' '.repeat(FRAME_MAX_BYTES)}1}`);
    expect(await agent.closed).toMatchObject({ code: CLOSE.tooLarge });
    expect(agents.channels.count).toBe(0);
  });

  test('of exactly the size limit is taken', async () => {
    agent.send(`{"type":"PING","t":7}${' '.repeat(FRAME_MAX_BYTES - 21)}`);
    expect(await agent.next('PONG')).toMatchObject({ t: 7 });
  });

  test('that is no UTF-8 closes the channel', async () => {
    agent.socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    expect(await agent.closed).toMatchObject({ code: 1007 });
  });

  test('too large ones, one after the other, are read more slowly, and nobody else waits for that', async () => {
    const result = agent.resultFrame('x'.repeat(24), { stdout: 'x'.repeat(700_000) });
    for (let count = 0; count < 40; count++) agent.send(result);
    const other = await agents.connect(await agents.enrol('other'));
    await other.settled();
    const channel = agents.channels.get(device.guid, 'system')!;
    await until(() => channel.paused);
    const read = agents.channels.counters.frames;
    expect(read).toBeLessThan(20);
    // Time fills the bucket; its silence meanwhile counts for nothing.
    for (let minute = 0; minute < 3; minute++) {
      agents.clock.advance(60_000);
      await until(() => !channel.paused || agents.channels.counters.frames > read + 40);
    }
    await agent.settled();
    expect(agents.channels.isOnline(device.guid)).toBe(true);
  });

  test('events are kept forty a minute, and the rest is not worth the disk', async () => {
    const event = (message: string) => ({ type: 'EVENT', kind: 'notice', message, corr_id: null });
    for (let count = 0; count < 60; count++) agent.send(event(`notice ${count}`));
    await agent.settled();
    await until(() => agents.told.filter(({ type }) => type === 'agent.event').length >= 40);
    agents.clock.advance(60_000);
    agent.send(event('later'));
    await agents.event('agent.event', ({ message }) => message.includes('later'));
    expect(agents.told.filter(({ type }) => type === 'agent.event')).toHaveLength(41);
  });

  test('too many closes the channel', async () => {
    for (let count = 0; count < 600; count++) agent.send({ type: 'PING', t: count });
    expect(await agent.closed).toEqual({ code: CLOSE.tooFast, reason: 'RATE_LIMITED' });
    expect(agents.channels.counters.tooFast).toBe(1);
  });

  test('WebSocket pings are answered, and counted too', async () => {
    const ponged = new Promise((resolve) => agent.socket.once('pong', resolve));
    agent.socket.ping('x');
    expect(String(await ponged)).toBe('x');
    for (let count = 0; count < 600; count++) agent.socket.ping();
    expect(await agent.closed).toMatchObject({ code: CLOSE.tooFast });
  });

  test('after the close is not heard', async () => {
    agent.send('nonsense');
    agent.send({ type: 'PING', t: 1 });
    await agent.closed;
    expect(agents.channels.counters.frames).toBe(1);
  });
});
