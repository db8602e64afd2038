/** A few clients of a gateway changed alone, by the kernel and by nft: as if all of it had been applied. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { KeyPair } from '../../src/wg/keys.ts';
import type { GatewayClient, WantedNetwork } from '../../src/wg/types.ts';
import { requires } from '../require.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [own, ...keys] = keyPairs(6);

const client = (of: KeyPair, address: string, isOpen = true): GatewayClient => {
  const sources = [`${address}/32`, `fd00:8::${address.split('.').at(-1)}/128`];
  const targets = [
    { network: '192.168.5.0/24', protocol: 'tcp', ports: { from: 400, to: 500 } },
    { network: '192.168.5.7/32', protocol: null, ports: null },
    { network: 'fd00:5::/64', protocol: 'udp', ports: { from: 53, to: 53 } },
  ] as const;
  return {
    peer: { ...peer(of, address), persistentKeepalive: 0, allowedIps: sources },
    open: isOpen ? sources : [],
    restricted: isOpen ? [] : [{ sources, targets }],
  };
};

const [ada, ben, cleo] = [0, 1, 2].map((index) => client(keys[index]!, `10.8.0.${index + 2}`));
const dora = client(keys[3]!, '10.8.0.9', false);
const eve = client(keys[4]!, '10.8.0.10', false);

describe('clients changed alone', requires('root', 'namespaces', 'ip', 'nft', 'wg', 'wireguard-go'), () => {
  const fresh = async () => {
    const host = await Namespace.start();
    onTestFinished(() => host.dispose());
    const name = host.interfaceName();
    const wanted = (clients: readonly GatewayClient[]): WantedNetwork => ({
      interfaces: [
        engineInterface(
          name,
          own!,
          clients.map((one) => one.peer),
        ),
      ],
      firewall: {
        name,
        addresses: ['10.8.0.1', 'fd00:8::1'],
        pools: ['10.8.0.0/24', 'fd00:8::/64'],
        local: ['192.168.5.0/24', 'fd00:5::/64'],
        sites: [],
        open: clients.flatMap(({ open }) => open),
        restricted: clients.flatMap(({ restricted }) => restricted),
        masquerade: false,
        mtu: 1_420,
      },
    });
    return { host, name, wanted };
  };

  test.each([
    ['come', [], [cleo!]],
    ['go', [ben!], []],
    ['with rules come', [], [eve]],
    ['with rules go', [dora], [eve]],
    ['have rules from now on', [ben!], [{ ...client(keys[1]!, '10.8.0.3', false) }]],
    ['have other keys', [ben!], [client(keys[4]!, '10.8.0.3')]],
  ])('that %s: nothing is left to be done for all of them', async (_, gone, come) => {
    const { host, name, wanted } = await fresh();
    const before = [ada!, ben!, dora, client(keys[2]!, '10.8.0.200', false)].slice(
      0,
      come.includes(cleo!) ? 3 : 4,
    );
    const after = [...before.filter((one) => !gone.includes(one)), ...come];
    await host.apply(wanted(before));
    await host.amend({ name, gone, come });
    expect(await host.apply(wanted(after))).toEqual([]);
  });

  test('somebody took the table away: it fails, and all of it applied brings it back', async () => {
    const { host, name, wanted } = await fresh();
    await host.apply(wanted([ada!]));
    host.run('nft', 'delete', 'table', 'inet', 'borealis');
    await expect(host.amend({ name, gone: [], come: [ben!] })).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    });
    // The firewall comes first: nobody was let in who has no rule.
    expect(host.run('wg', 'show', name, 'peers')).not.toContain(ben!.peer.publicKey);
    await host.apply(wanted([ada!, ben!]));
    expect(await host.apply(wanted([ada!, ben!]))).toEqual([]);
  });

  test('its interface is gone: it fails', async () => {
    const { host, name, wanted } = await fresh();
    await host.apply(wanted([ada!]));
    host.run('ip', 'link', 'delete', name);
    await expect(host.amend({ name, gone: [], come: [ben!] })).rejects.toMatchObject({
      code: 'COMMAND_FAILED',
    });
  });
});
