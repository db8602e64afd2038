import { describe, expect, type TestContext, test } from 'vitest';
import type { FirewallInterface, WantedNetwork } from '../../src/wg/types.ts';
import { requires } from '../require.ts';
import { DRIVER } from './lab/driver.ts';
import type { Request } from './lab/host.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [engine, a, b, c] = keyPairs(4);
const KERNEL = DRIVER === 'kernel';

/** A host with what others have in theirs: it must be there afterwards, as it was. */
const furnished = async ({ onTestFinished }: TestContext) => {
  const host = await Namespace.start();
  onTestFinished(() => host.dispose());
  const name = host.interfaceName();
  host.run('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
  host.run('ip', 'link', 'set', 'other0', 'addrgenmode', 'none', 'up');
  host.run('ip', 'link', 'set', 'other1', 'addrgenmode', 'none', 'up');
  host.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'other0');
  host.run('ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.2');
  host.feed('table inet filter { chain input { type filter hook input priority 0; }; }\n', 'nft', '-f', '-');
  const clean = host.snapshot();

  const allowed = (address: string): FirewallInterface[] => [
    { name, addresses: ['10.255.0.1'], outgoing: [{ address, protocol: 'tcp', port: 22 }], incoming: [] },
  ];
  const first: WantedNetwork = {
    interfaces: [engineInterface(name, engine!, [peer(a!, '10.255.0.2'), peer(b!, '10.255.0.3')])],
    firewall: allowed('10.255.0.2'),
  };
  /** One peer goes, its address is another's, one comes; port, addresses, routes and what is allowed change. */
  const second: WantedNetwork = {
    interfaces: [
      engineInterface(name, engine!, [peer(b!, '10.255.0.2'), peer(c!, '10.255.0.4')], {
        addresses: ['10.255.0.1/16', '10.253.0.1/24'],
        routes: ['10.252.0.0/24'],
        mtu: 1_300,
        listenPort: 30_001,
      }),
    ],
    firewall: allowed('10.255.0.4'),
  };

  return {
    first: () => host.apply(first),
    none: () => host.teardown([name]),
    toSecond: { do: 'apply', wanted: second } satisfies Request,
    toNone: { do: 'teardown', interfaces: [name], firewall: true } satisfies Request,
    expectSecond: async () => {
      await host.apply(second);
      expect(await host.apply(second)).toEqual([]);
      expect(host.processes()).toHaveLength(KERNEL ? 0 : 1);
    },
    expectClean: async () => {
      await host.teardown([name]);
      expect(host.snapshot()).toBe(clean);
    },
    /** Kills it at each of its changes, before and in the middle. Returns how often, at last it comes to its end. */
    killEverywhere: async (
      prepare: () => Promise<unknown>,
      request: Request,
      check: () => Promise<void>,
    ): Promise<number> => {
      let kills = 0;
      for (let change = 0; ; change += 1) {
        for (const moment of ['before', 'during'] as const) {
          await prepare();
          if (!(await host.killed({ ...request, killAt: { change, moment } }))) return kills;
          kills += 1;
          await check();
        }
      }
    },
  };
};

const needs = requires('root', 'namespaces', 'ip', 'nft', 'wireguard-go');

describe('what is killed at each of its steps', { ...needs, concurrent: true }, () => {
  test('while it makes all, is healed by the next apply', async (context) => {
    const { killEverywhere, none, toSecond, expectSecond, expectClean } = await furnished(context);
    // The table, the try at the kernel's driver, wireguard-go, its configuration, addresses and routes.
    expect(await killEverywhere(none, toSecond, expectSecond)).toBe(KERNEL ? 8 : 10);
    await expectClean();
  });

  test('while it makes all, is removed by the next teardown', async (context) => {
    const { killEverywhere, none, toSecond, expectClean } = await furnished(context);
    expect(await killEverywhere(none, toSecond, expectClean)).toBe(KERNEL ? 8 : 10);
    await expectClean();
  });

  test('while it changes all, is healed', async (context) => {
    const { killEverywhere, first, toSecond, expectSecond, expectClean } = await furnished(context);
    // What goes, the table, what comes, addresses and routes; wg(8) removes by one command and narrows by another.
    expect(await killEverywhere(first, toSecond, expectSecond)).toBe(KERNEL ? 10 : 8);
    await expectClean();
  });

  test('or while it removes all: the next teardown removes the rest', async (context) => {
    const { killEverywhere, first, toNone, expectClean } = await furnished(context);
    expect(await killEverywhere(first, toNone, expectClean)).toBe(4);
    await expectClean();
  });
});
