import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WantedNetwork } from '../../src/wg/types.ts';
import { requires } from '../require.ts';
import type { Request } from './lab/host.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [engine, a, b, c] = keyPairs(4) as [ReturnType<typeof keyPairs>[0], ...ReturnType<typeof keyPairs>];

describe('an apply that is killed', requires('root', 'namespaces', 'ip', 'nft', 'wireguard-go'), () => {
  let host: Namespace;
  let name: string;
  let clean: string;

  beforeAll(() => {
    host = new Namespace();
    name = host.interfaceName();
    // What others have: it must be there afterwards, as it was.
    host.run('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
    host.run('ip', 'link', 'set', 'other1', 'addrgenmode', 'none', 'up');
    host.run('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'other0');
    host.run('ip', 'link', 'set', 'other0', 'addrgenmode', 'none', 'up');
    host.run('ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.2');
    host.feed(
      'table inet filter { chain input { type filter hook input priority 0; tcp dport 9 drop; }; }\n',
      'nft',
      '-f',
      '-',
    );
    clean = host.snapshot();
  });
  afterAll(() => host.dispose());

  const first = (): WantedNetwork => ({
    interfaces: [engineInterface(name, engine, [peer(a!, '10.255.0.2'), peer(b!, '10.255.0.3')])],
    firewall: [
      {
        name,
        addresses: ['10.255.0.1'],
        outgoing: [{ address: '10.255.0.2', protocol: 'tcp', port: 22 }],
        incoming: [],
      },
    ],
  });
  /** One peer goes, its address is another's, one comes; ports, addresses and routes change. */
  const second = (): WantedNetwork => ({
    interfaces: [
      engineInterface(name, engine, [peer(b!, '10.255.0.2'), peer(c!, '10.255.0.4')], {
        addresses: ['10.255.0.1/16', '10.253.0.1/24'],
        routes: ['10.252.0.0/24'],
        mtu: 1_300,
        listenPort: 30_001,
      }),
    ],
    firewall: [
      {
        name,
        addresses: ['10.255.0.1'],
        outgoing: [{ address: '10.255.0.4', protocol: 'tcp', port: 22 }],
        incoming: [],
      },
    ],
  });

  /** Kills it at each of its changes, before and in the middle; `check` looks at what is left. Returns how often. */
  const killEverywhere = async (
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
  };

  const isSecond = async () => {
    await host.apply(second());
    expect(await host.apply(second())).toEqual([]);
    expect(host.processes()).toHaveLength(1);
  };
  const isClean = async () => {
    await host.teardown([name]);
    expect(host.snapshot()).toBe(clean);
  };

  test('while it makes all, is healed by the next apply, and removed by the next teardown', async () => {
    const request = { do: 'apply', wanted: second() } as const;
    const kills = await killEverywhere(isClean, request, async () => {
      await isSecond();
    });
    expect(kills).toBeGreaterThanOrEqual(10);
    expect(await killEverywhere(isClean, request, isClean)).toBe(kills);
  });

  test('while it changes all, is healed', async () => {
    const request = { do: 'apply', wanted: second() } as const;
    const prepare = async () => host.apply(first());
    expect(await killEverywhere(prepare, request, isSecond)).toBeGreaterThanOrEqual(8);
    await isClean();
  });

  test('or a teardown that is killed: the next removes the rest', async () => {
    const request = { do: 'teardown', interfaces: [name], firewall: true } as const;
    expect(await killEverywhere(() => host.apply(first()), request, isClean)).toBeGreaterThanOrEqual(4);
    await isClean();
  });
});
