/** Tunnels where hosts have other uses for some of the tunnels' addresses: those stay reachable. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Check } from '../../src/protocol/engine.ts';
import type { Tunnel } from '../../src/protocol/tunnel.ts';
import { requires } from '../require.ts';
import type { Host } from './host.ts';
import { echoServer, tryTcp } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';

const routes = (host: Host): string => host.run('ip', '-4', 'route', 'show', 'table', 'all');
/** By which a host is on its network. */
const deviceOf = (host: Host): string =>
  (JSON.parse(host.run('ip', '-json', '-4', 'route', 'show')) as { dev: string }[])[0]!.dev;
/** `DEV` is that device. */
const make = (host: Host, lines: string): string =>
  host.run('sh', '-ec', lines.replaceAll('DEV', deviceOf(host)));
const resolver = (address: string): string =>
  `echo nameserver ${address} >/run/resolv && mount --bind /run/resolv /etc/resolv.conf`;

describe('the network of tunnels', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.start(['north']);
  });
  afterEach(() => lab?.dispose());

  const refusal = async () => {
    const { code, stdout } = await lab.ctl(['tunnel', 'connect', 'north', '--json']);
    expect(code).not.toBe(0);
    return (JSON.parse(stdout) as { error: { code: string; message: string; next: string } }).error;
  };

  test('leaves the engine its networks, gateways and resolvers, and no device has an address of theirs', async () => {
    make(
      lab.engine,
      `ip route add 10.255.0.2/31 via 192.0.2.99 onlink dev DEV
       ip route add default via 10.255.9.9 onlink dev DEV
       ip address add 10.255.3.4/24 dev lo
       ${resolver('10.255.4.4')}`,
    );
    const before = routes(lab.engine);
    const hidden = ['10.255.0.3', '10.255.9.9', '10.255.3.4', '10.255.3.5', '10.255.4.4'];
    const ways = () => hidden.map((address) => lab.engine.run('ip', '-oneline', 'route', 'get', address));
    const waysBefore = ways();
    await lab.startEngine();
    await lab.startDevice('north');
    await echoServer(lab.device('north'), 22);
    const { virtual_ip } = await lab.json<Tunnel>(['tunnel', 'connect', 'north']);
    expect(virtual_ip).toBe('10.255.0.4');
    expect(await tryTcp(lab.engine, '10.255.0.4', 22)).toBe('echo');
    expect(ways()).toEqual(waysBefore);
    // To whoever has no tunnel, packets go nowhere else.
    expect(lab.engine.run('ip', '-oneline', 'route', 'get', '10.255.200.200')).toContain('dev borealis0');
    await lab.json(['tunnel', 'disconnect', 'north']);
    expect(routes(lab.engine)).toBe(before);
  });

  test('is refused where the engine would take an address of another; doctor says so too', async () => {
    lab.engine.run('ip', 'address', 'add', '10.255.0.9/24', 'dev', 'lo');
    const before = routes(lab.engine);
    await lab.startEngine();
    await lab.startDevice('north');
    expect(await refusal()).toMatchObject({
      code: 'NETWORK_OVERLAP',
      message: expect.stringMatching(/10\.255\.0\.0\/24.*10\.255\.0\.1/),
      next: expect.stringMatching(/config set tunnel_network/),
    });
    expect(routes(lab.engine)).toBe(before);
    const checks = await lab.json<Check[]>(['doctor']);
    expect(checks).toContainEqual(expect.objectContaining({ id: 'tunnel_network', state: 'warn' }));
    expect((await lab.run(['true'], ['north'])).state).toBe('succeeded');
  });

  test.each([
    ['its gateway', 'ip route add 198.51.100.0/24 via 10.255.0.1 onlink dev DEV', '10.255.0.1'],
    ['its resolver', resolver('10.255.0.1'), '10.255.0.1'],
    ['another interface of its own', 'ip address add 10.255.0.2/32 dev lo', '10.255.0.2'],
  ])('takes from a device no address of %s', async (_whose, made, address) => {
    const north = lab.device('north');
    make(north, made);
    const before = routes(north);
    await lab.startEngine();
    await lab.startDevice('north');
    const { code, message } = await refusal();
    expect({ code, message }).toEqual({ code: 'NETWORK_OVERLAP', message: expect.stringContaining(address) });
    expect(message).toMatch(/north says/);
    expect(routes(north)).toBe(before);
  });
});
