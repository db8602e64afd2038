import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { WantedNetwork } from '../../src/wg/types.ts';
import { requires } from '../require.ts';
import { about } from './lab/driver.ts';
import { Namespace } from './lab/namespace.ts';
import { engineInterface, keyPairs, peer } from './lab/wanted.ts';

const [engine, a] = keyPairs(2);

const which = (command: string): string =>
  execFileSync('sh', ['-c', `command -v ${command}`], { encoding: 'utf8' }).trim();

const fresh = async () => {
  const host = await Namespace.start();
  onTestFinished(() => host.dispose());
  const name = host.interfaceName();
  const wanted: WantedNetwork = {
    interfaces: [engineInterface(name, engine!, [peer(a!, '10.255.0.2')])],
    firewall: [{ name, addresses: ['10.255.0.1'], outgoing: [], incoming: [] }],
  };
  return { host, name, wanted, before: host.snapshot() };
};

describe(
  'is refused and left alone:',
  requires('root', 'namespaces', 'ip', 'nft', 'wg', 'wireguard-go', 'setpriv'),
  () => {
    test("the name of somebody else's WireGuard", async () => {
      const { host, name, wanted } = await fresh();
      host.run('wireguard-go', name);
      host.run('wg', 'set', name, 'listen-port', '40000');
      const before = host.snapshot();
      await expect(host.apply(wanted)).rejects.toMatchObject({
        code: 'WG_INTERFACE_FOREIGN',
        message: expect.stringContaining(name),
        next: expect.stringMatching(/\w/),
      });
      await host.teardown([name]);
      expect(host.snapshot()).toBe(before);
    });

    test('the name of an interface of another kind', async () => {
      const { host, name, wanted } = await fresh();
      host.run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'other1');
      const before = host.snapshot();
      await expect(host.apply(wanted)).rejects.toMatchObject({ code: 'WG_INTERFACE_FOREIGN' });
      await host.teardown([name]);
      expect(host.snapshot()).toBe(before);
    });

    test("the name of somebody else's WireGuard in another network namespace: they share the sockets", async () => {
      const { host, name, wanted } = await fresh();
      host.run('ip', 'netns', 'add', 'other');
      const inOther = (...command: string[]) => host.run('ip', 'netns', 'exec', 'other', ...command);
      inOther('wireguard-go', name);
      const seen = () => inOther('ip', '-details', 'link') + inOther('wg', 'show', name);
      const before = seen();
      await expect(host.apply(wanted)).rejects.toMatchObject({ code: 'WG_INTERFACE_FOREIGN' });
      await host.teardown([name]);
      expect(seen()).toBe(before);
      expect(before).toContain('interface');
    });

    test("a port of somebody else's, before anything is changed", async () => {
      const { host, name, wanted, before } = await fresh();
      const other = host.interfaceName();
      host.run('wireguard-go', other);
      host.run('wg', 'set', other, 'listen-port', '30000');
      host.run('ip', 'link', 'set', other, 'addrgenmode', 'none', 'up');
      await expect.poll(() => host.run('cat', '/proc/net/udp')).toContain(':7530 ');
      const taken = host.snapshot();
      await expect(host.apply(wanted)).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        message: expect.stringMatching(/30000.*wireguard-go \(process \d+\)/),
      });
      expect(host.snapshot()).toBe(taken);
      host.run('ip', 'link', 'delete', other);
      await expect.poll(() => host.processes()).toEqual([]);
      await host.apply(wanted);
      await host.teardown([name]);
      expect(host.snapshot()).toBe(before);
    });

    test('a route of somebody else', async () => {
      const { host, name, wanted } = await fresh();
      host.run('ip', 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1');
      host.run('ip', 'link', 'set', 'other0', 'addrgenmode', 'none', 'up');
      host.run('ip', 'route', 'add', '10.254.0.0/24', 'dev', 'other0');
      const before = host.snapshot();
      await expect(host.apply(wanted)).rejects.toMatchObject({
        code: 'WG_ROUTE_TAKEN',
        message: expect.stringContaining('10.254.0.0/24'),
      });
      await host.teardown([name]);
      expect(host.snapshot()).toBe(before);
    });

    test('without CAP_NET_ADMIN', async () => {
      const { host, wanted, before } = await fresh();
      const less = ['setpriv', '--bounding-set=-net_admin'];
      await expect(host.askThrough(less, { do: 'apply', wanted })).rejects.toMatchObject({
        code: 'NET_ADMIN_REQUIRED',
        next: expect.stringContaining('CAP_NET_ADMIN'),
      });
      const { interfaces } = wanted;
      await expect(host.askThrough(less, { do: 'apply', wanted: { interfaces } })).rejects.toMatchObject({
        code: 'NET_ADMIN_REQUIRED',
      });
      expect(host.snapshot()).toBe(before);
    });

    test('without wireguard-go where the kernel has no WireGuard', about('wireguard-go'), async () => {
      const { host, name, wanted } = await fresh();
      const path = mkdtempSync(join(tmpdir(), 'borealis-path-'));
      onTestFinished(() => rmSync(path, { recursive: true }));
      for (const command of ['ip', 'nft']) symlinkSync(which(command), join(path, command));
      await expect(host.askThrough([], { do: 'apply', wanted }, { PATH: path })).rejects.toMatchObject({
        code: 'WIREGUARD_MISSING',
        next: 'Install it: apt-get install wireguard-go',
      });
      rmSync(join(path, 'nft'));
      await expect(host.askThrough([], { do: 'apply', wanted }, { PATH: path })).rejects.toMatchObject({
        code: 'PROGRAM_MISSING',
        next: 'Install it: apt-get install nftables',
      });
      await host.teardown([name]);
    });
  },
);
