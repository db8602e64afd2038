/** Tunnels that cannot be: what is in the way is left alone and named. And the one that nobody uses. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Tunnel } from '../../src/protocol/tunnel.ts';
import { requires } from '../require.ts';
import { call, echoServer } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';

describe('no tunnel:', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.start(['north', 'south']);
  });
  afterEach(() => lab?.dispose());

  const refusal = async (device: string) => {
    const { code, stdout } = await lab.ctl(['tunnel', 'connect', device, '--json']);
    expect(code).not.toBe(0);
    return (JSON.parse(stdout) as { error: { code: string; message: string; next: string } }).error;
  };
  const wireguard = (of: 'engine' | 'north', name: string, port: number) => {
    const host = of === 'engine' ? lab.engine : lab.device(of);
    host.run('wireguard-go', name);
    host.run('wg', 'set', name, 'listen-port', String(port));
    host.ip(`link set ${name} addrgenmode none`, `link set ${name} up`);
    return () => host.run('ip', 'address', 'show', 'dev', name) + host.run('wg', 'show', name);
  };

  test('the engine may not change the network; everything else works', async () => {
    lab.engineWithin = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'];
    await lab.startEngine();
    await lab.startDevice('north');
    expect(await refusal('north')).toMatchObject({
      code: 'NET_ADMIN_REQUIRED',
      next: expect.stringMatching(/CAP_NET_ADMIN/),
    });
    expect((await lab.run(['true'], ['north'])).state).toBe('succeeded');
    expect(await lab.json(['tunnel', 'ports', 'north', '--set', '22,8080'])).toMatchObject({
      allowed_ports: ['22/tcp', '8080/tcp'],
    });
  });

  test('every address of the network is given away', async () => {
    // 10.9.0.0/30 has the engine's address, and one more.
    await lab.startEngine([], { BOREALIS_TUNNEL_NETWORK: '10.9.0.0/30' });
    await Promise.all([lab.startDevice('north'), lab.startDevice('south')]);
    expect((await lab.json<Tunnel>(['tunnel', 'connect', 'north'])).virtual_ip).toBe('10.9.0.2');
    expect(await refusal('south')).toMatchObject({
      code: 'TUNNEL_ADDRESSES_USED_UP',
      next: expect.stringMatching(/\w/),
    });
    // An address is the device's for its life, and free after that.
    await lab.json(['tunnel', 'disconnect', 'north']);
    expect((await refusal('south')).code).toBe('TUNNEL_ADDRESSES_USED_UP');
    await lab.json(['device', 'remove', 'north', '--yes']);
    expect((await lab.json<Tunnel>(['tunnel', 'connect', 'south'])).virtual_ip).toBe('10.9.0.2');
  });

  test("the engine's interface is somebody else's WireGuard", async () => {
    const theirs = wireguard('engine', 'borealis0', 40_000);
    const before = theirs();
    await lab.startEngine();
    await lab.startDevice('north');
    expect(await refusal('north')).toMatchObject({
      code: 'WG_INTERFACE_FOREIGN',
      message: expect.stringMatching(/borealis0/),
    });
    expect(theirs()).toBe(before);
    expect((await lab.run(['true'], ['north'])).state).toBe('succeeded');
  });

  test("the engine's UDP port is somebody else's WireGuard", async () => {
    const theirs = wireguard('engine', 'wg0', 30_000);
    const before = theirs();
    await lab.startEngine();
    await lab.startDevice('north');
    expect(await refusal('north')).toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringMatching(/30000/),
    });
    expect(theirs()).toBe(before);
  });

  test("the device's interface is somebody else's WireGuard", async () => {
    const theirs = wireguard('north', 'borealis1', 40_000);
    const before = theirs();
    await lab.startEngine();
    await lab.startDevice('north');
    expect(await refusal('north')).toMatchObject({ message: expect.stringMatching(/borealis1/) });
    expect(theirs()).toBe(before);
  });

  test('nobody has used it for the time that is set, whatever bytes passed', async () => {
    await lab.startEngine([], { BOREALIS_TUNNEL_IDLE_MINUTES: '1' });
    await lab.startDevice('north');
    await echoServer(lab.device('north'), 22);
    const { virtual_ip, idle_left } = await lab.json<Tunnel>(['tunnel', 'connect', 'north']);
    expect(idle_left).toBeGreaterThan(50);
    expect(idle_left).toBeLessThanOrEqual(60);
    // Bytes of nobody's forward or shell: no operator is at work.
    const bytes = await call(lab.engine, virtual_ip!, 22);
    await expect
      .poll(
        async () => {
          await bytes.speak(100);
          return (await lab.json<Tunnel>(['tunnel', 'status', 'north'])).state;
        },
        { timeout: 90_000, interval: 2_000 },
      )
      .toBe('down');
    const stopped = await lab.event('vpn_tunnel_stop', ({ device }) => device === 'north');
    expect(JSON.stringify(stopped)).toMatch(/idle|use/);
  });
});
