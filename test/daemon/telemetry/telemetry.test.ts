import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type TelemetrySample,
  telemetryOperations,
  telemetrySample,
} from '../../../src/protocol/telemetry.ts';
import { type TestAgent, TestAgents, type TestDevice, until } from '../agents.ts';
import { sampleAt } from './sample.ts';

let agents: TestAgents;
let device: TestDevice;
let agent: TestAgent;
beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  device = await agents.enrol('web1');
  agent = await agents.connect(device);
});
afterEach(() => agents.close());

const send = (sample: TelemetrySample, by = agent) => by.send({ type: 'TELEMETRY', sample });
const show = async (query: Record<string, unknown> = {}) => {
  const { input, output } = telemetryOperations['telemetry.show'];
  const parsed = input.parse({ device: 'web1', ...query });
  return output.parse(
    await agents.telemetry.operations['telemetry.show'](parsed, agents.call('telemetry.show')),
  );
};
const stored = (count: number) => until(async () => (await show()).length === count);

test('a measurement is stored and shown as it was sent', async () => {
  const sample = sampleAt(agents.clock.now());
  send(sample);
  await stored(1);
  expect(await show()).toEqual([sample]);
});

test('the same measurement twice is one', async () => {
  const now = agents.clock.now();
  for (const at of [now - 1_000, now, now, now - 1_000]) send(sampleAt(at));
  await stored(2);
});

test.each([
  ['far ahead', 3_600_000],
  ['years behind', -5 * 365 * 86_400_000],
])('a clock that is %s is not believed', async (_, offset) => {
  const before = agents.clock.now();
  send(sampleAt(before + offset));
  await stored(1);
  const at = Date.parse((await show())[0]!.at);
  expect(at).toBeGreaterThanOrEqual(before - 1_000);
  expect(at).toBeLessThan(before + 60_000);
});

test('a clock that is a little ahead is left alone', async () => {
  const sample = sampleAt(agents.clock.now() + 300_000);
  send(sample);
  agents.clock.advance(301_000);
  await stored(1);
  expect(await show()).toEqual([sample]);
});

test('since a time to come, as whoever’s clock is ahead asks, there is nothing; a span must not end before it begins', async () => {
  const now = agents.clock.now();
  send(sampleAt(now));
  await stored(1);
  const since = new Date(now + 3_600_000).toISOString();
  expect(await show({ since })).toEqual([]);
  await expect(show({ since, until: new Date(now).toISOString() })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
});

test('of the two agents of a machine one is enough', async () => {
  const user = await agents.connect(await agents.enrol('web1', { context: 'user', guid: device.guid }));
  const now = agents.clock.now();
  send(sampleAt(now, { processes: 1 }), user);
  await user.settled();
  send(sampleAt(now - 5, { processes: 2 }));
  await stored(1);
  expect((await show())[0]!.processes).toBe(2);
});

test('a device that was removed meanwhile does not cost the others theirs', async () => {
  const other = await agents.enrol('gone');
  const leaving = await agents.connect(other);
  send(sampleAt(agents.clock.now()), leaving);
  send(sampleAt(agents.clock.now()));
  await Promise.all([leaving.settled(), agent.settled()]);
  await agents.store.write(async (tx) => {
    await tx.db.deleteFrom('device').where('guid', '=', other.guid).execute();
  });
  await stored(1);
  expect(agents.telemetry.lost).toBe(0);
});

describe('a long span', () => {
  test('is thinned by averaging into equal buckets', async () => {
    const end = agents.clock.now();
    const begin = end - 3_600_000;
    for (let index = 0; index < 120; index++) {
      const at = begin + 1 + index * 30_000;
      const network = index < 60 ? index : null;
      send(
        sampleAt(at, { cpu_percent: index % 100, network_rx_bytes_per_s: network, memory_used_bytes: index }),
      );
      if (index % 40 < 39) continue;
      await agent.settled();
      agents.clock.advance(5_000);
    }
    const span = { since: new Date(begin).toISOString(), until: new Date(end).toISOString() };
    await until(async () => (await show({ ...span, points: 10_000 })).length === 120);
    const thin = await show({ ...span, points: 12 });
    expect(thin).toHaveLength(12);
    expect(thin.map(({ at }) => at)).toEqual(thin.map(({ at }) => at).toSorted());
    expect(thin[0]).toMatchObject({
      cpu_percent: 4.5,
      memory_used_bytes: 5,
      network_rx_bytes_per_s: 4.5,
      load_1m: null,
    });
    expect(thin[11]!.network_rx_bytes_per_s).toBeNull();
    for (const sample of thin) telemetrySample.parse(sample);
    expect(await show({ ...span, points: 1 })).toHaveLength(1);
    expect(await show({ ...span, points: 120 })).toHaveLength(120);
  });

  test('that ends before it begins is refused', async () => {
    const now = new Date(agents.clock.now()).toISOString();
    await expect(show({ since: now, until: '2020-01-01T00:00:00.000Z' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('telemetry.watch', () => {
  const watch = (devices?: string[], since?: string) => {
    const stop = new AbortController();
    const stream = agents.telemetry.operations['telemetry.watch'](
      { device: devices, since },
      agents.call('telemetry.watch', 'ada', stop.signal),
    );
    return { stop, source: stream[Symbol.asyncIterator]() };
  };

  test('tells measurements as they arrive, of all or of those named', async () => {
    const web2 = await agents.connect(await agents.enrol('web2'));
    const all = watch();
    const one = watch(['web2']);
    const next = [all.source.next(), one.source.next()];
    await agent.settled();
    const mine = sampleAt(agents.clock.now());
    const other = sampleAt(agents.clock.now() + 1);
    send(mine);
    send(other, web2);
    const [first, only] = await Promise.all(next);
    expect(only!.value).toEqual({ device: 'web2', guid: web2.device.guid, sample: other });
    const second = (await all.source.next()).value;
    expect([first!.value, second]).toEqual(
      expect.arrayContaining([
        { device: 'web1', guid: device.guid, sample: mine },
        { device: 'web2', guid: web2.device.guid, sample: other },
      ]),
    );
    all.stop.abort();
    expect(await all.source.next()).toMatchObject({ done: true });
    one.stop.abort();
    expect(await one.source.next()).toMatchObject({ done: true });
  });

  test('begins with the newest of each device, where that is wanted; what comes then follows', async () => {
    const web2 = await agents.connect(await agents.enrol('web2'));
    const now = agents.clock.now();
    for (const ago of [20_000, 10_000, 5_000]) send(sampleAt(now - ago));
    // Too long ago, and no answer to how things are.
    send(sampleAt(now - 900_000), web2);
    await stored(3);
    await until(async () => (await show({ device: 'web2' })).length === 1);
    const { stop, source } = watch(undefined, new Date(now - 100_000).toISOString());
    const first = { device: 'web1', guid: device.guid, sample: sampleAt(now - 5_000) };
    expect((await source.next()).value).toEqual(first);
    const next = source.next();
    send(sampleAt(now), web2);
    expect((await next).value).toEqual({ device: 'web2', guid: web2.device.guid, sample: sampleAt(now) });
    stop.abort();
    const named = watch(['web2'], new Date(now - 100_000).toISOString());
    expect((await named.source.next()).value).toMatchObject({ device: 'web2' });
    named.stop.abort();
  });

  test('of a device that is none is refused', async () => {
    await expect(watch(['nobody']).source.next()).rejects.toMatchObject({ code: 'DEVICE_NOT_FOUND' });
  });
});
