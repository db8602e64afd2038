/** When an agent reports: at once where nothing was said lately, otherwise when its time has come. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Reporter } from '../../src/agent/reporter.ts';
import type { Inventory } from '../../src/protocol/device.ts';
import type { FromAgent } from '../../src/protocol/frame.ts';
import type { TelemetrySample } from '../../src/protocol/telemetry.ts';
import { keptLog } from './parts.ts';

const WELCOME = { telemetry_ms: 30_000, engine_version: '1' } as never;
let now = 0;
let sent: FromAgent['type'][];
let reporter: Reporter;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  now = 0;
  sent = [];
  reporter = new Reporter({
    uplink: { send: (frame) => sent.push(frame.type) > 0, buffered: 0 },
    telemetry: { sample: async () => ({}) as TelemetrySample },
    inventory: { current: async () => ({}) as Inventory, networks: async () => '' },
    clock: { now: () => now, monotonic: () => now },
    log: keptLog(),
    random: () => 1,
  });
});
afterEach(() => {
  reporter.offline();
  vi.useRealTimers();
});

const later = async (ms: number): Promise<string[]> => {
  sent.length = 0;
  now += ms;
  await vi.advanceTimersByTimeAsync(ms);
  return sent.toSorted();
};

test('the first channel brings a report at once, then at the interval', async () => {
  reporter.online(WELCOME);
  expect(await later(0)).toEqual(['INVENTORY', 'TELEMETRY']);
  expect(await later(29_999)).toEqual([]);
  expect(await later(1)).toEqual(['TELEMETRY']);
  expect(await later(30_000)).toEqual(['TELEMETRY']);
});

test('who was cut off and comes back goes on when its time has come, and tells its inventory anew', async () => {
  reporter.online(WELCOME);
  expect(await later(0)).toEqual(['INVENTORY', 'TELEMETRY']);
  expect(await later(10_000)).toEqual([]);
  reporter.offline();
  expect(await later(5_000)).toEqual([]);
  reporter.online(WELCOME);
  expect(await later(14_999)).toEqual([]);
  expect(await later(1)).toEqual(['INVENTORY', 'TELEMETRY']);
  expect(await later(30_000)).toEqual(['TELEMETRY']);
});

test('who was away for longer reports at once', async () => {
  reporter.online(WELCOME);
  expect(await later(0)).toEqual(['INVENTORY', 'TELEMETRY']);
  reporter.offline();
  expect(await later(30_000)).toEqual([]);
  reporter.online(WELCOME);
  expect(await later(0)).toEqual(['INVENTORY', 'TELEMETRY']);
});
