import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../require.ts';
import { type Call, call, echoServer, tryTcp } from './inside.ts';
import { LAB_NEEDS } from './lab.ts';
import { ENGINE_ADDRESS, GATEWAY_ADDRESS, LabNetwork, ROUTER_ADDRESS } from './network.ts';

describe('the network of the lab', requires(...LAB_NEEDS), () => {
  let network: LabNetwork;
  const north = () => network.device('north');
  beforeAll(async () => {
    network = await LabNetwork.start(['north', 'south']);
    await Promise.all([
      echoServer(network.engine, 80),
      echoServer(network.router, 80),
      echoServer(north(), 80),
      echoServer(network.device('south'), 80),
    ]);
  });
  afterAll(() => network?.end());

  test('lets devices out, under the address of the router, and nobody in', async () => {
    expect(await tryTcp(north(), ENGINE_ADDRESS, 80)).toBe('echo');
    const open = await call(north(), ENGINE_ADDRESS, 80);
    const peers = network.engine.run('ss', '-Htn', 'state', 'established', 'sport', '=', ':80');
    expect(peers).toMatch(new RegExp(`${ROUTER_ADDRESS}\\]?:\\d+\\s*$`));
    open.hangUp();
    expect(await tryTcp(network.engine, ROUTER_ADDRESS, 80)).toBe('silence');
    // Even of somebody on the internet who knows what is behind the router.
    network.engine.ip(`route add 192.168.77.0/24 via ${ROUTER_ADDRESS}`);
    expect(await tryTcp(network.engine, network.addressOf('north'), 80)).toBe('silence');
    network.engine.ip('route del 192.168.77.0/24');
    expect(await tryTcp(north(), GATEWAY_ADDRESS, 80)).toBe('echo');
    expect(await tryTcp(network.device('south'), network.addressOf('north'), 80)).toBe('echo');
  });

  test('gives each machine its name, and nothing of the others', () => {
    expect(network.device('south').run('hostname').trim()).toBe('south');
    expect(north().run('ls', '/sys/class/net').split('\n')).toEqual(['eth0', 'lo', '']);
    expect(
      north()
        .run('ps', '-e', '-o', 'comm=')
        .split('\n')
        .map((name) => name.trim()),
    ).not.toContain('init');
  });

  describe('fails on demand:', () => {
    let open: Call;
    beforeAll(async () => {
      open = await call(north(), ENGINE_ADDRESS, 80);
    });
    afterAll(() => open?.hangUp());

    test('a cable that is out', async () => {
      network.cut('north');
      expect(await open.speak(100)).toBe(false);
      expect(await tryTcp(network.device('south'), ENGINE_ADDRESS, 80)).toBe('echo');
      network.restore('north');
      expect(await open.speak(10_000)).toBe(true);
    });

    test('silence, of one or of all', async () => {
      network.silence({ only: 'south' });
      expect(await open.speak()).toBe(true);
      expect(await tryTcp(network.device('south'), ENGINE_ADDRESS, 80)).toBe('silence');
      network.silence();
      expect(await open.speak(100)).toBe(false);
      network.heal();
      expect(await open.speak(10_000)).toBe(true);
    });

    test('UDP alone', async () => {
      network.dropUdp();
      expect(await open.speak()).toBe(true);
      expect(network.router.run('nft', 'list', 'table', 'ip', 'faults')).toContain('udp drop');
      network.heal();
      expect(network.router.run('nft', 'list', 'tables')).not.toContain('faults');
    });

    test('packets lost: all there in the end', async () => {
      network.lose(20);
      for (let word = 0; word < 3; word += 1) expect(await open.speak(20_000)).toBe(true);
      network.heal();
    });

    test('another address of a device, or of all: old connections are dead, new ones are not', async () => {
      const before = network.addressOf('north');
      network.readdress('north');
      expect(network.addressOf('north')).not.toBe(before);
      expect(await open.speak(100)).toBe(false);
      expect(await tryTcp(north(), ENGINE_ADDRESS, 80)).toBe('echo');
      const again = await call(north(), ENGINE_ADDRESS, 80);
      network.readdressRouter();
      expect(await again.speak(100)).toBe(false);
      expect(await tryTcp(north(), ENGINE_ADDRESS, 80)).toBe('echo');
      again.hangUp();
    });

    test('delay, in both directions', async () => {
      await network.delay(150);
      const slow = await call(north(), ENGINE_ADDRESS, 80);
      expect(await slow.speak(250)).toBe(false);
      expect(await slow.speak(10_000)).toBe(true);
      await network.delay(0);
      expect(await slow.speak()).toBe(true);
      slow.hangUp();
    });
  });
});
