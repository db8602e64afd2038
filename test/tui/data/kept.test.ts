/** What the dashboard keeps of many devices all day: little, and the right thing. */
import { describe, expect, test } from 'vitest';
import { deviceRow } from '../../../bench/fleet/rows.ts';
import type { Device } from '../../../src/protocol/device.ts';
import type { TelemetrySample } from '../../../src/protocol/telemetry.ts';
import { renewed } from '../../../src/tui/data/devices.ts';
import { KEPT, Measurements } from '../../../src/tui/data/measurements.ts';

const device = (): Device => {
  const { guid, name, hostname, fingerprint } = deviceRow(1, 0);
  return {
    ...{ guid, name, hostname, fingerprint, os: 'linux', arch: 'x64', site: null, state: 'online' },
    ...{ tags: { role: 'web' }, last_seen: null, agent_version: '1', address: null, clock_offset_ms: 0 },
    contexts: [{ context: 'system', online: true, certificate_expires_at: '2026-01-01T00:00:00Z' }],
    enrolled_at: '2026-01-01T00:00:00Z',
  };
};

const sample = (cpu_percent: number): TelemetrySample => ({
  ...{ at: '2026-01-01T00:00:00Z', cpu_percent, load_1m: null, memory_used_bytes: 1, memory_total_bytes: 2 },
  ...{ swap_used_bytes: null, disk_used_bytes: null, disk_total_bytes: null, network_rx_bytes_per_s: null },
  ...{ network_tx_bytes_per_s: null, uptime_seconds: 1, processes: null },
});

describe('a device that is told again', () => {
  test('is the one that is known where nothing changed', () => {
    const known = device();
    expect(renewed(known, device())).toBe(known);
    expect(renewed(undefined, known)).toBe(known);
  });

  test('is another where something did, with what stayed the same; the known one stays as it was', () => {
    const known = device();
    const told: Device = { ...device(), tags: { role: 'db' }, site: 'oslo' };
    const now = renewed(known, told);
    expect(now).toEqual({ ...device(), tags: { role: 'db' }, site: 'oslo' });
    expect(now.contexts).toBe(known.contexts);
    expect(known).toEqual(device());
  });

  test('has no more what is gone', () => {
    expect(renewed({ ...device(), site: 'oslo' }, device()).site).toBeNull();
  });
});

describe('measurements', () => {
  const none = async (): Promise<readonly TelemetrySample[]> => [];

  test('of a thousand devices: each has its own, oldest first', () => {
    const measurements = new Measurements(none);
    for (let round = 0; round < KEPT + 3; round++)
      for (let index = 0; index < 1_000; index++)
        measurements.add(`device ${index}`, sample((index + round) % 101));
    for (const index of [0, 1, 255, 256, 999]) {
      const rounds = Array.from({ length: KEPT }, (_, at) => (index + at + 3) % 101);
      expect([...(measurements.cpu(`device ${index}`) ?? [])]).toEqual(rounds);
      expect(measurements.cpuNow(`device ${index}`)).toBe(rounds.at(-1));
    }
  });

  test('where there are none, or none yet', () => {
    const measurements = new Measurements(none);
    expect(measurements.cpu('nobody')).toBeUndefined();
    expect(measurements.cpuNow('nobody')).toBeUndefined();
    measurements.add('new', sample(7.4));
    expect([...(measurements.cpu('new') ?? [])]).toEqual([...Array<number>(KEPT - 1).fill(255), 7]);
  });
});
