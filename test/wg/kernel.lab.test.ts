/** WireGuard in the kernel: what differs from wireguard-go, and what must not. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { generateKeyPair } from '../../src/wg/keys.ts';
import type { WantedNetwork } from '../../src/wg/types.ts';
import { requires } from '../require.ts';
import { about } from './lab/driver.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [engine, a, b] = keyPairs(3);

const fresh = async () => {
  const host = await Namespace.start();
  onTestFinished(() => host.dispose());
  const name = host.interfaceName();
  const wanted = (peers = [peer(a!, '10.255.0.2')], listenPort = 30_000): WantedNetwork => ({
    interfaces: [engineInterface(name, engine!, peers, { listenPort })],
    firewall: [{ name, addresses: ['10.255.0.1'], outgoing: [], incoming: [] }],
  });
  /** As somebody makes one by hand. */
  const theirs = (of: string, port: number) => {
    host.run('ip', 'link', 'add', of, 'type', 'wireguard');
    host.run('wg', 'set', of, 'listen-port', String(port));
    host.run('ip', 'link', 'set', of, 'up');
  };
  return { host, name, wanted, theirs };
};

const needs = { ...requires('root', 'namespaces', 'ip', 'nft', 'wg'), ...about('kernel') };

describe("the kernel's WireGuard", needs, () => {
  test('is what is chosen where it is there, and no process is started', async () => {
    const { host, name, wanted } = await fresh();
    const before = host.snapshot();
    await host.apply(wanted());
    expect(host.run('ip', '-details', 'link', 'show', 'dev', name)).toMatch(/^\s+wireguard/m);
    expect(host.processes()).toEqual([]);
    expect((await host.observe(name)).interfaces[name]).toMatchObject({
      state: 'present',
      interface: { driver: 'kernel', publicKey: engine!.publicKey, listenPort: 30_000, mtu: 1_380, up: true },
    });
    expect(await host.apply(wanted())).toEqual([]);
    await host.teardown([name]);
    expect(host.snapshot()).toBe(before);
  });

  test('is left alone where it is somebody else’s', async () => {
    const { host, name, wanted, theirs } = await fresh();
    theirs(name, 40_000);
    const before = host.snapshot();
    await expect(host.apply(wanted())).rejects.toMatchObject({ code: 'WG_INTERFACE_FOREIGN' });
    await host.teardown([name]);
    expect(host.snapshot()).toBe(before);
  });

  test("whose port is somebody else's is refused before anything is changed", async () => {
    const { host, name, wanted, theirs } = await fresh();
    const clean = host.snapshot();
    theirs('wg0', 30_000);
    const before = host.snapshot();
    const refusal = { code: 'PORT_TAKEN', message: expect.stringContaining('30000') };
    await expect(host.apply(wanted())).rejects.toMatchObject(refusal);
    expect(host.snapshot()).toBe(before);
    // Nor is one that has another port already made to lose it.
    await host.apply(wanted([peer(a!, '10.255.0.2')], 30_001));
    const standing = host.snapshot();
    await expect(host.apply(wanted())).rejects.toMatchObject(refusal);
    expect(host.snapshot()).toBe(standing);
    host.run('ip', 'link', 'delete', 'wg0');
    await host.apply(wanted());
    expect(host.run('wg', 'show', name, 'listen-port').trim()).toBe('30000');
    await host.teardown([name]);
    expect(host.snapshot()).toBe(clean);
  });

  test('is made again where somebody deletes it, and healed where they change it', async () => {
    const { host, name, wanted } = await fresh();
    await host.apply(wanted());
    const whole = host.snapshot();
    for (const harm of [
      ['ip', 'link', 'delete', 'dev', name],
      ['ip', 'link', 'set', 'dev', name, 'down'],
      ['ip', 'link', 'set', 'dev', name, 'mtu', '1300'],
      ['ip', 'address', 'flush', 'dev', name],
      ['wg', 'set', name, 'listen-port', '30007'],
      ['wg', 'set', name, 'private-key', '/dev/null'],
      ['wg', 'set', name, 'peer', a!.publicKey, 'remove'],
      ['wg', 'set', name, 'peer', a!.publicKey, 'allowed-ips', '10.255.0.7/32'],
      ['wg', 'set', name, 'peer', b!.publicKey, 'allowed-ips', '10.255.0.2/32'],
    ] as const) {
      const [file, ...args] = harm;
      host.run(file, ...args);
      await host.apply(wanted());
      expect(await host.apply(wanted())).toEqual([]);
      expect(host.snapshot(), harm.join(' ')).toBe(whole);
      expect(host.run('wg', 'show', name, 'allowed-ips').trim()).toBe(`${a!.publicKey}\t10.255.0.2/32`);
    }
  });

  test('has thousands of peers, who come and go together', async () => {
    const { host, name, wanted } = await fresh();
    const many = Array.from({ length: 4_000 }, (_, index) =>
      peer(generateKeyPair(), `10.255.${1 + (index >> 8)}.${index & 255}`, { persistentKeepalive: 25 }),
    );
    const count = () => host.run('wg', 'show', name, 'peers').split('\n').length - 1;
    await host.apply(wanted(many));
    expect(count()).toBe(4_000);
    expect(await host.apply(wanted(many))).toEqual([]);
    await host.apply(wanted(many.slice(3_999)));
    expect(count()).toBe(1);
  });
});
