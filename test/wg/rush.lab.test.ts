/** Changes that follow each other closely, by the kernel's own messages: as nft(8) and wg(8) would have made them. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { WantedNetwork } from '../../src/wg/types.ts';
import { requires } from '../require.ts';
import { DRIVER } from './lab/driver.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [own, ...keys] = keyPairs(4);

interface Device {
  readonly index: number;
  readonly ports: readonly string[];
  /** Users who may open them. */
  readonly uids: readonly number[];
}

describe('a rush of changes', requires('root', 'namespaces', 'ip', 'nft', 'wg', 'wireguard-go'), () => {
  test('is made without a command, and leaves nothing to be done', async () => {
    const host = await Namespace.start();
    onTestFinished(() => host.dispose());
    const name = host.interfaceName();
    const wanted = (devices: readonly Device[]): WantedNetwork => {
      const all = devices.flatMap(({ index, ports, uids }) =>
        ports.map((text) => {
          const [port, protocol] = text.split('/') as [string, 'tcp' | 'udp'];
          return { address: `10.255.0.${index + 2}`, protocol, port: Number(port), uids };
        }),
      );
      return {
        interfaces: [
          engineInterface(
            name,
            own!,
            devices.map(({ index }) => peer(keys[index]!, `10.255.0.${index + 2}`)),
          ),
        ],
        firewall: [
          {
            name,
            addresses: ['10.255.0.1'],
            incoming: all.map(({ uids: _, ...allowance }) => allowance),
            outgoing: all.flatMap(({ uids, ...allowance }) => uids.map((uid) => ({ ...allowance, uid }))),
          },
        ],
      };
    };
    const rush = (...all: (readonly Device[])[]) =>
      host.askThrough([], { do: 'rush', wanted: all.map(wanted) }) as Promise<string[]>;
    // Of the kernel's WireGuard, wg(8) and the shell that feeds it are what the driver has.
    const others = (files: readonly string[]) =>
      DRIVER === 'kernel' ? files.filter((file) => file !== 'wg' && file !== 'sh') : files;

    const first: Device = { index: 0, ports: ['22/tcp', '53/udp'], uids: [0] };
    const second: Device = { index: 1, ports: ['47001/tcp', '65535/udp'], uids: [0, 1_000, 70_000] };
    const third: Device = { index: 2, ports: ['22/tcp', '256/tcp', '1/udp'], uids: [4_294_967_294] };
    // More than one of the kernel's messages takes.
    const many = Array.from({ length: 1_200 }, (_, port) => `${port + 1_000}/tcp`);
    for (const all of [
      [[first], [first, second, third]],
      [[first, second, third], [third], [second, third]],
      [[second], [{ ...second, ports: [...second.ports, ...many] }]],
      [[{ ...second, ports: [...second.ports, ...many] }], [second]],
    ]) {
      expect(others(await rush(...all))).toEqual([]);
      expect(await host.apply(wanted(all.at(-1)!))).toEqual([]);
    }
  });
});
