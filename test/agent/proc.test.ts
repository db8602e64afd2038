import { describe, expect, it } from 'vitest';
import { cpuPercent, parseCpu, parseMounts, parseTraffic } from '../../src/agent/proc.linux.ts';
import { createTelemetry } from '../../src/agent/telemetry.ts';
import { telemetrySample } from '../../src/protocol/telemetry.ts';
import { systemClock } from '../../src/sys/clock.ts';

describe('/proc', () => {
  it('stat: busy time of all processors', () => {
    const before = parseCpu('cpu  100 0 100 800 0 0 0 0 50 0\ncpu0 1 2 3\n');
    const after = parseCpu('cpu  150 0 125 925 0 0 0 0 90 0\n');
    expect(before).toEqual({ total: 1_000, idle: 800 });
    expect(cpuPercent(before, after)).toBeCloseTo(37.5);
    expect(cpuPercent(after, after)).toBe(0);
    expect(cpuPercent(after, before)).toBe(0);
  });

  it('net/dev: what goes in and out of the machine, once', () => {
    const text = [
      'Inter-|   Receive                                                |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs',
      '    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0',
      '  eth0: 100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0',
      'wlan0:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0',
      'docker0: 50 1 0 0 0 0 0 0 50 1 0 0 0 0 0 0',
    ].join('\n');
    expect(parseTraffic(text)).toEqual({ rxBytes: 101, txBytes: 202 });
  });

  it('mountinfo: each local file system once, and the root', () => {
    const text = [
      '22 1 0:21 / / rw - overlay overlay rw',
      '23 22 8:1 / /data rw,relatime shared:1 - ext4 /dev/sda1 rw',
      '24 22 8:1 /sub /bind rw - ext4 /dev/sda1 rw',
      '25 22 0:5 / /proc rw - proc proc rw',
      '26 22 0:44 / /mnt/nfs rw - nfs4 server:/x rw',
      '27 22 8:2 / /a\\040b rw - xfs /dev/sda2 rw',
    ].join('\n');
    expect(parseMounts(text)).toEqual([
      { device: 'overlay', mount: '/', type: 'overlay' },
      { device: '/dev/sda1', mount: '/data', type: 'ext4' },
      { device: '/dev/sda2', mount: '/a b', type: 'xfs' },
    ]);
  });

  it('survives what it does not know', () => {
    expect(parseCpu('')).toEqual({ total: 0, idle: 0 });
    expect(parseTraffic('')).toEqual({ rxBytes: 0, txBytes: 0 });
    expect(parseMounts('\n\n - \n')).toEqual([]);
  });
});

it('telemetry of this machine is what the protocol says, from the first sample on', async () => {
  const source = createTelemetry(systemClock);
  const first = telemetrySample.parse(await source.sample());
  const second = telemetrySample.parse(await source.sample());
  expect(first.network_rx_bytes_per_s).toBeNull();
  expect(second.network_rx_bytes_per_s).not.toBeNull();
  expect(second.memory_total_bytes).toBeGreaterThan(second.memory_used_bytes);
  expect(second.processes).toBeGreaterThan(0);
});
