/** The networks that a machine has routes to, as the kernel lists them, and when they are told. */
import { endianness } from 'node:os';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Reporter } from '../../src/agent/reporter.ts';
import { parseRoutes, readRoutes } from '../../src/agent/routes.linux.ts';
import type { Inventory } from '../../src/protocol/device.ts';
import type { FromAgent } from '../../src/protocol/frame.ts';
import type { TelemetrySample } from '../../src/protocol/telemetry.ts';
import { systemClock } from '../../src/sys/clock.ts';
import { keptLog } from './parts.ts';

const FOUR = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
eth0	0000320A	010200C0	0003	0	0	0	0000FFFF	0	0	0
eth0	0000320A	010200C0	0003	0	0	100	0000FFFF	0	0	0
eth1	01020304	010200C0	0007	0	0	0	FFFFFFFF	0	0	0
*	00003C0A	00000000	0200	0	0	0	0000FFFF	0	0	0
*	0000460A	00000000	0001	0	0	0	0000FFFF	0	0	0
eth0	0000FEA9	00000000	0001	0	0	1000	0000FFFF	0	0	0
bvpn0	0000080A	00000000	0001	0	0	0	00FFFFFF	0	0	0
borealis1	0000FF0A	00000000	0001	0	0	0	0080FFFF	0	0	0
`;
const zero = '0'.repeat(32);
const six = (destination: string, length: string, flags: string, name: string) =>
  `${destination.padEnd(32, '0')} ${length} ${zero} 00 ${zero} 00000400 00000003 00000000 ${flags} ${name.padStart(8)}`;
const SIX = [
  six('', '00', '00000003', 'eth0'),
  six('fd000001', '30', '00000003', 'eth0'),
  six('fd000002', '40', '00000001', 'bvpn0'),
  six('fd000003', '30', '00200200', 'lo'),
  six('fe80', '40', '00000001', 'eth0'),
  six('ff', '08', '00000001', 'eth0'),
  six('fd000001000000000000000000000002', '80', '80200001', 'eth0'),
].join('\n');

describe('the networks that a machine has routes to', () => {
  test.runIf(endianness() === 'LE')('are those of its main table, but for default routes and its own', () => {
    expect(parseRoutes(FOUR, SIX)).toEqual([
      { network: '10.50.0.0/16', interface: 'eth0' },
      { network: '10.60.0.0/16', interface: null },
      { network: '10.70.0.0/16', interface: null },
      { network: '192.0.2.0/24', interface: 'eth0' },
      { network: '4.3.2.1/32', interface: 'eth1' },
      { network: 'fd00:1::/48', interface: 'eth0' },
      { network: 'fd00:3::/48', interface: null },
    ]);
  });

  test('are none where the kernel says nothing that can be read', () => {
    expect(parseRoutes('', '')).toEqual([]);
    expect(parseRoutes('nonsense\n1 2 3', 'nonsense\n\n1 2 3')).toEqual([]);
  });

  test('are read on this machine', async () => {
    for (const { network } of await readRoutes()) expect(network).toMatch(/^[0-9a-f.:]+\/\d+$/);
  });
});

describe('another network', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is told with the next telemetry, not with the next inventory', async () => {
    const sent: FromAgent[] = [];
    let networks = 'one';
    let inventory = { verbs: [networks] } as unknown as Inventory;
    const reporter = new Reporter({
      uplink: { send: (frame) => sent.push(frame) > 0, buffered: 0 },
      telemetry: { sample: () => Promise.resolve({} as TelemetrySample) },
      inventory: { current: () => Promise.resolve(inventory), networks: () => Promise.resolve(networks) },
      clock: systemClock,
      log: keptLog(),
      random: () => 1,
    });
    const told = () => sent.flatMap((frame) => (frame.type === 'INVENTORY' ? [frame.inventory] : []));
    reporter.online({ telemetry_ms: 30_000, engine_version: '1' } as never);
    await vi.waitFor(() => expect(told()).toHaveLength(1));
    // Something else that changed waits for its time.
    inventory = { verbs: ['changed'] } as unknown as Inventory;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(told()).toHaveLength(1);
    networks = 'two';
    await vi.advanceTimersByTimeAsync(30_000);
    await vi.waitFor(() => expect(told()).toHaveLength(2));
    reporter.offline();
  });
});
