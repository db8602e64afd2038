/** The firewall of a gateway as the kernel takes it and nft lists it: what traffic it lets through is in test/lab. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { GatewayFirewall, WantedNetwork } from '../../src/wg/types.ts';
import { requires } from '../require.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [own, a] = keyPairs(2);

const gateway = (name: string, rest: Partial<GatewayFirewall> = {}): GatewayFirewall => ({
  name,
  addresses: ['10.8.0.1', 'fd00:8::1'],
  pools: ['10.8.0.0/24', 'fd00:8::/64'],
  local: ['192.168.5.0/24', '0.0.0.0/0', 'FD00:5:0::/64'],
  sites: ['10.20.0.0/16', 'fd00:20::/64'],
  open: ['10.8.0.2/32', '10.8.0.3', 'fd00:8::2'],
  restricted: [
    {
      sources: ['10.8.0.4/32', '10.20.0.0/16'],
      targets: [
        { network: '192.168.0.0/16', protocol: null, ports: null },
        { network: '192.168.5.0/24', protocol: null, ports: null },
        { network: '10.0.0.0/8', protocol: 'tcp', ports: { from: 443, to: 443 } },
        { network: '10.1.0.0/16', protocol: 'tcp', ports: { from: 400, to: 500 } },
        { network: '10.1.0.0/16', protocol: 'tcp', ports: { from: 480, to: 600 } },
        { network: '10.1.2.0/24', protocol: 'udp', ports: null },
        { network: '10.1.2.3/32', protocol: 'udp', ports: { from: 53, to: 53 } },
      ],
    },
    {
      sources: ['fd00:8::4', 'fd00:20::/64'],
      targets: [{ network: 'fd00:5::/64', protocol: 'udp', ports: { from: 53, to: 60 } }],
    },
  ],
  masquerade: true,
  mtu: 1_420,
  ...rest,
});

describe(
  'the firewall of a gateway',
  requires('root', 'namespaces', 'ip', 'nft', 'wg', 'wireguard-go'),
  () => {
    const fresh = async () => {
      const host = await Namespace.start();
      onTestFinished(() => host.dispose());
      const name = host.interfaceName();
      const wanted = (firewall: GatewayFirewall): WantedNetwork => ({
        interfaces: [engineInterface(name, own!, [peer(a!, '10.8.0.2')])],
        firewall,
      });
      return { host, name, wanted };
    };

    test.each<[string, Partial<GatewayFirewall>]>([
      ['of everything', {}],
      ['of nobody', { open: [], restricted: [], sites: [], local: [], masquerade: false }],
      ['of a floating address', { floating: { address: '192.0.2.10', port: 51_820 } }],
      ['of a floating address of IPv6', { floating: { address: '2001:DB8:0::10', port: 51_820 } }],
      ['of neighbours', { open: ['10.8.0.2', '10.8.0.3', '10.8.0.4/31'], restricted: [], masquerade: false }],
    ])(
      '%s is there after one apply, a second has nothing to do, a teardown leaves nothing',
      async (_, rest) => {
        const { host, name, wanted } = await fresh();
        const before = host.snapshot();
        const steps = await host.apply(wanted(gateway(name, rest)));
        expect(steps.map(({ kind }) => kind)).toContain('replace-table');
        expect(await host.apply(wanted(gateway(name, rest)))).toEqual([]);
        await host.teardown([name]);
        expect(host.snapshot()).toBe(before);
      },
    );

    test('ports that a wider network has already are not given again: the kernel takes no elements that overlap', async () => {
      const { host, name, wanted } = await fresh();
      await host.apply(wanted(gateway(name)));
      const listed = host
        .run('nft', 'list', 'set', 'inet', 'borealis', `${name}_port4`)
        .replaceAll(/\s+/g, ' ');
      expect(listed).toContain('10.8.0.4 . 10.0.0.0/8 . tcp . 443');
      expect(listed).toContain('10.8.0.4 . 10.1.0.0/16 . tcp . 400-442');
      expect(listed).toContain('10.8.0.4 . 10.1.0.0/16 . tcp . 444-600');
      expect(listed).toContain('10.8.0.4 . 10.1.2.0/24 . udp . 0-65535');
      expect(listed).not.toContain('10.1.2.3');
    });

    test('another order is no change; another rule is one', async () => {
      const { host, name, wanted } = await fresh();
      const whole = gateway(name);
      await host.apply(wanted(whole));
      const turned = {
        ...whole,
        open: [...whole.open].reverse(),
        restricted: [...whole.restricted].reverse(),
        local: [...whole.local].reverse(),
      };
      expect(await host.apply(wanted(turned))).toEqual([]);
      const steps = await host.apply(wanted({ ...whole, open: ['10.8.0.3', 'fd00:8::2'] }));
      expect(steps.map(({ kind }) => kind)).toEqual(['replace-table']);
    });

    test('what is no network is refused before anything is changed', async () => {
      const { host, name, wanted } = await fresh();
      const before = host.snapshot();
      const wrong: Partial<GatewayFirewall>[] = [
        { local: ['10.0.0.0/8; }'] },
        { sites: ['10.0.0.0/33'] },
        { name: 'a b' },
        { floating: { address: '192.0.2.0/24', port: 51_820 } },
        { floating: { address: '192.0.2.10', port: 0 } },
        {
          restricted: [
            {
              sources: ['10.8.0.4'],
              targets: [{ network: '10.0.0.0/8', protocol: 'tcp', ports: { from: 9, to: 70_000 } }],
            },
          ],
        },
      ];
      for (const rest of wrong)
        await expect(host.apply(wanted(gateway(name, rest)))).rejects.toMatchObject({
          code: 'INVALID_INPUT',
        });
      expect(host.snapshot()).toBe(before);
    });
  },
);
