/** The fence around a floating address: real nft, real WireGuard, counted at the other end of the wire. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { GatewayFirewall, WantedNetwork } from '../../src/wg/types.ts';
import { startInside } from '../lab/inside.ts';
import { requires } from '../require.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';
import { wire } from './lab/wire.ts';

const PORT = 51_820;
const [own, client] = keyPairs(2);

interface Way {
  readonly family: 4 | 6;
  readonly ip: 'ip' | 'ip6';
  readonly gateway: string;
  readonly client: string;
  readonly floating: string;
  readonly bits: number;
  readonly bracket: (address: string) => string;
}
const WAYS: Way[] = [
  {
    family: 4,
    ip: 'ip',
    gateway: '192.0.2.1',
    client: '192.0.2.9',
    floating: '192.0.2.10',
    bits: 24,
    bracket: (address) => address,
  },
  {
    family: 6,
    ip: 'ip6',
    gateway: '2001:db8::1',
    client: '2001:db8::9',
    floating: '2001:db8::10',
    bits: 64,
    bracket: (address) => `[${address}]`,
  },
];

/** Counts at the client what comes from the gateway's port, by the address that it comes from. */
const counters = ({ ip, floating, gateway }: Way): string => `table inet counted {
  chain in { type filter hook prerouting priority -500; policy accept;
    udp sport ${PORT} ${ip} saddr ${floating} counter comment "floating"
    udp sport ${PORT} ${ip} saddr ${gateway} counter comment "other"
    udp sport ${PORT} counter comment "all"
  }
}`;

const counting = (table: string, chain: string, hook: string, rule: string): string =>
  `table inet ${table} {
  chain ${chain} { type filter hook ${hook} priority -500; policy accept;
    ${rule}
  }
}`;

describe(
  'the fence around a floating address',
  requires('root', 'namespaces', 'ip', 'nft', 'wg', 'wireguard-go'),
  () => {
    const fresh = async (way: Way) => {
      const [gateway, far] = await Promise.all([Namespace.start(), Namespace.start()]);
      onTestFinished(async () => void (await Promise.all([gateway.dispose(), far.dispose()])));
      wire(gateway, `${way.gateway}/${way.bits}`, far, `${way.client}/${way.bits}`);
      const cable = `w${far.holder}`;
      if (way.family === 6)
        for (const [host, end] of [
          [gateway, cable],
          [far, `w${gateway.holder}`],
        ] as const) {
          // No waiting for duplicate address detection.
          host.runInNetwork('sh', '-c', `echo 0 >/proc/sys/net/ipv6/conf/${end}/accept_dad`);
          const address = host === gateway ? way.gateway : way.client;
          host.run('ip', 'address', 'replace', `${address}/${way.bits}`, 'dev', end, 'nodad');
        }
      far.feed(counters(way), 'nft', '-f', '-');
      const name = gateway.interfaceName();
      const firewall: GatewayFirewall = {
        name,
        addresses: ['10.255.0.1'],
        pools: ['10.255.0.0/16'],
        local: [],
        sites: [],
        open: [],
        restricted: [],
        masquerade: false,
        mtu: 1_380,
        floating: { address: way.floating, port: PORT },
      };
      const wanted = (endpoint: string | undefined, rest: Partial<GatewayFirewall> = {}): WantedNetwork => ({
        interfaces: [
          engineInterface(
            name,
            own!,
            [peer(client!, '10.255.0.2', { endpoint, persistentKeepalive: endpoint ? 1 : 0 })],
            { listenPort: PORT },
          ),
        ],
        firewall: { ...firewall, ...rest },
      });
      const theirs = far.interfaceName();
      /** Speaks to the gateway at that address where one is named. */
      const farWanted = (to: string | undefined): WantedNetwork => ({
        interfaces: [
          engineInterface(
            theirs,
            client!,
            [
              {
                publicKey: own!.publicKey,
                allowedIps: ['10.255.0.1/32'],
                endpoint: to && `${way.bracket(to)}:${PORT}`,
                persistentKeepalive: to ? 1 : 0,
              },
            ],
            { listenPort: PORT + 1, addresses: ['10.255.0.2/16'], routes: [] },
          ),
        ],
        firewall: null,
      });
      const count = (what: string): number => {
        const listed = far.run('nft', 'list', 'table', 'inet', 'counted');
        return Number(new RegExp(`packets (\\d+) bytes \\d+ comment "${what}"`).exec(listed)?.[1]);
      };
      const float = (verb: 'add' | 'del') =>
        gateway.run(
          'ip',
          'address',
          verb,
          `${way.floating}/${way.bits}`,
          'dev',
          cable,
          ...(verb === 'add' && way.family === 6 ? ['nodad'] : []),
        );
      const handshake = async (): Promise<number | null> => {
        const presence = (await gateway.observe(name)).interfaces[name];
        return (presence?.state === 'present' && presence.interface.peers[0]?.lastHandshake) || null;
      };
      return { gateway, far, wanted, farWanted, count, float, handshake };
    };
    const SOON = { timeout: 20_000, interval: 50 };

    test.each(WAYS)('IPv$family: the gateway begins a handshake from the floating address', async (way) => {
      const { gateway, far, wanted, farWanted, count, float, handshake } = await fresh(way);
      float('add');
      await far.apply(farWanted(undefined));
      await gateway.apply(wanted(`${way.bracket(way.client)}:${PORT + 1}`));
      expect(await gateway.apply(wanted(`${way.bracket(way.client)}:${PORT + 1}`))).toEqual([]);
      await expect.poll(handshake, SOON).not.toBeNull();
      expect(count('floating')).toBeGreaterThan(0);
      expect(count('other')).toBe(0);
    });

    test.each(WAYS)(
      'IPv$family: when the address is gone nothing leaves, and again when it is back',
      async (way) => {
        const { gateway, far, wanted, farWanted, count, float, handshake } = await fresh(way);
        float('add');
        await far.apply(farWanted(way.floating));
        await gateway.apply(wanted(undefined));
        await expect.poll(handshake, SOON).not.toBeNull();
        float('del');
        const before = count('all');
        // It has a session, a keepalive each second, and handshakes: counted before the fence, where it tries.
        gateway.feed(counting('tried', 'out', 'output', `udp sport ${PORT} counter`), 'nft', '-f', '-');
        await gateway.apply(wanted(`${way.bracket(way.client)}:${PORT + 1}`));
        const attempts = () =>
          Number(/packets (\d+)/.exec(gateway.run('nft', 'list', 'table', 'inet', 'tried'))?.[1]);
        await expect.poll(attempts, SOON).toBeGreaterThan(2);
        expect(count('all')).toBe(before);
        float('add');
        await expect.poll(() => count('floating'), SOON).toBeGreaterThan(before);
        expect(count('other')).toBe(0);
      },
    );

    test.each(WAYS)('IPv$family: who speaks to another address at that port has no answer', async (way) => {
      const { gateway, far, wanted, farWanted, count, float, handshake } = await fresh(way);
      float('add');
      await gateway.apply(wanted(undefined));
      gateway.feed(counting('heard', 'in', 'prerouting', `udp dport ${PORT} counter`), 'nft', '-f', '-');
      await far.apply(farWanted(way.gateway));
      const heard = () =>
        Number(/packets (\d+)/.exec(gateway.run('nft', 'list', 'table', 'inet', 'heard'))?.[1]);
      await expect.poll(heard, SOON).toBeGreaterThan(0);
      expect(await handshake()).toBeNull();
      expect(count('all')).toBe(0);
      await far.apply(farWanted(way.floating));
      await expect.poll(handshake, SOON).not.toBeNull();
    });

    test('other processes with other ports speak from whichever address they like', async () => {
      const way = WAYS[0]!;
      const { gateway, far, wanted } = await fresh(way);
      await gateway.apply(wanted(undefined));
      const { child, line } = startInside(
        far,
        `const s = require('node:dgram').createSocket('udp4');
         s.on('message', (m, from) => s.send(m, from.port, from.address)).bind(7777, () => console.log('ready'));
         process.stdin.on('end', () => process.exit()).resume();`,
      );
      expect(await line).toBe('ready');
      const asked = startInside(
        gateway,
        `const s = require('node:dgram').createSocket('udp4');
         s.on('message', () => { console.log('echo'); process.exit(); }).send('x', 7777, '${way.client}');`,
      );
      expect(await asked.line).toBe('echo');
      child.stdin?.end();
    });

    test('what is no address or port is refused before anything is changed', async () => {
      const { gateway, wanted } = await fresh(WAYS[0]!);
      const before = gateway.snapshot();
      for (const floating of [
        { address: '192.0.2.0/24', port: PORT },
        { address: '192.0.2.10; drop', port: PORT },
        { address: '192.0.2.10', port: 0 },
        { address: '192.0.2.10', port: 65_536 },
      ])
        await expect(gateway.apply(wanted(undefined, { floating }))).rejects.toMatchObject({
          code: 'INVALID_INPUT',
        });
      expect(gateway.snapshot()).toBe(before);
    });
  },
);
