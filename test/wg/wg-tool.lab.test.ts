import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CommandRunner, runCommand } from '../../src/sys/command.ts';
import { kernelDriver, LINK_GROUP } from '../../src/wg/kernel.linux.ts';
import { digestOf } from '../../src/wg/keys.ts';
import type { DeviceChange } from '../../src/wg/plan.ts';
import { linuxSystem } from '../../src/wg/system.linux.ts';
import type { ObservedDevice } from '../../src/wg/types.ts';
import { parseDump, renderConf } from '../../src/wg/wg-tool.ts';
import { requires } from '../require.ts';
import { Namespace } from './lab/namespace.ts';
import { keyPairs } from './lab/wanted.ts';

const [own, a, b] = keyPairs(3);

test('a configuration of nothing is empty', () => {
  expect(renderConf({})).toBe('');
});

test.each(['', 'one\ttwo', 'a\tb\tport\toff', `k\tk\t1\toff\n${'x\t'.repeat(6)}x`])(
  'a dump that cannot be read is refused and not shown: %j',
  (dump) => {
    expect(() => parseDump(dump)).toThrow(expect.objectContaining({ code: 'COMMAND_FAILED' }));
  },
);

// The same wg(8) as for the kernel's WireGuard: it speaks to both alike.
describe('wg(8)', requires('root', 'namespaces', 'ip', 'wg', 'wireguard-go'), () => {
  let host: Namespace;
  let name: string;
  beforeAll(async () => {
    host = await Namespace.start();
    name = host.interfaceName();
    host.run('wireguard-go', name);
  });
  afterAll(() => host.dispose());

  /** The kernel's driver; all that it does to the interface of another one it does through wg(8). */
  const driver = () => {
    const run: CommandRunner = (file, args, options) => {
      const [own, ...rest] = host.argv(file, ...args);
      return runCommand(own, rest, options);
    };
    return kernelDriver({ ...linuxSystem('borealis'), run });
  };
  const add = (change: DeviceChange) => driver().configure(name, change);
  const link = { kind: 'wireguard', group: String(LINK_GROUP), up: false, mtu: 1_420, addresses: [] };
  const dump = async (): Promise<ObservedDevice> => {
    const found = await driver().find(name, link);
    if (found.state !== 'present') throw new Error(found.state);
    return found.device;
  };

  test('takes what is rendered and shows what is parsed, peer by peer', async () => {
    expect(await dump()).toMatchObject({ publicKey: null, peers: [] });
    await add({
      privateKey: own!.privateKey,
      listenPort: 30_000,
      peers: [
        { publicKey: a!.publicKey, presharedKey: b!.privateKey, allowedIps: ['10.0.0.1/32', 'fd00::/64'] },
        {
          publicKey: b!.publicKey,
          endpoint: '192.0.2.1:7',
          persistentKeepalive: 5,
          allowedIps: ['10.0.0.2/32'],
        },
      ],
    });
    const common = { lastHandshake: null, receivedBytes: 0, sentBytes: 0 };
    const peerA = {
      ...common,
      publicKey: a!.publicKey,
      presharedKeyDigest: digestOf(b!.privateKey),
      endpoint: null,
      persistentKeepalive: 0,
      allowedIps: ['10.0.0.1/32', 'fd00::/64'],
    };
    const peerB = {
      ...common,
      publicKey: b!.publicKey,
      presharedKeyDigest: null,
      endpoint: '192.0.2.1:7',
      persistentKeepalive: 5,
      allowedIps: ['10.0.0.2/32'],
    };
    const device = await dump();
    expect(device).toMatchObject({ publicKey: own!.publicKey, listenPort: 30_000 });
    expect(device.peers).toHaveLength(2);
    expect(device.peers).toEqual(expect.arrayContaining([peerA, peerB]));

    // One changes, its allowed IPs as a whole; the other is not named and stays.
    await add({ peers: [{ publicKey: b!.publicKey, persistentKeepalive: 0, allowedIps: ['10.0.0.3/32'] }] });
    await add({ peers: [{ publicKey: a!.publicKey, presharedKey: null, allowedIps: [] }] });
    expect((await dump()).peers).toEqual(
      expect.arrayContaining([
        { ...peerB, persistentKeepalive: 0, allowedIps: ['10.0.0.3/32'] },
        { ...peerA, presharedKeyDigest: null, allowedIps: [] },
      ]),
    );
    await add({ remove: [a!.publicKey, b!.publicKey] });
    expect((await dump()).peers).toEqual([]);
    // The group is how our interfaces are told from others'.
    expect(await driver().find(name, { ...link, group: 'default' })).toMatchObject({ state: 'foreign' });
  });
});
