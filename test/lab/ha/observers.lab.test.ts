/** What the lab sees of an address that moves, and the faults that it makes: the address is moved by hand here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../../require.ts';
import { echoServer, tryTcp } from '../inside.ts';
import { LAB_NEEDS } from '../lab.ts';
import { ENGINE_ADDRESS, LabNetwork } from '../network.ts';
import { Bastions, ECHO, FLOATING, INNER, MACHINES, type NodeName } from './bastions.ts';
import { now } from './observer.ts';

describe('around a pair of bastions', requires(...LAB_NEEDS), () => {
  let network: LabNetwork;
  let bastions: Bastions;
  const put = (name: NodeName) => bastions.node(name).ip(`address add ${FLOATING}/24 dev eth0`);
  const take = (name: NodeName) => bastions.node(name).ip(`address del ${FLOATING}/24 dev eth0`);
  /** Each of the two asks the other one, and the engine. */
  const reach = async () => {
    const [north, south] = [bastions.node('north'), bastions.node('south')];
    const [northern, southern] = [network.addressOf('north'), network.addressOf('south')];
    const found = await Promise.all([
      tryTcp(north, southern, ECHO),
      tryTcp(north, ENGINE_ADDRESS, ECHO),
      tryTcp(south, northern, ECHO),
      tryTcp(south, ENGINE_ADDRESS, ECHO),
      tryTcp(north, INNER, ECHO),
    ]);
    return found.map((text) => text === 'echo');
  };

  beforeAll(async () => {
    network = await LabNetwork.start(MACHINES);
    bastions = await Bastions.build(network);
    await Promise.all(
      [bastions.node('north'), bastions.node('south'), network.engine].map((host) => echoServer(host, ECHO)),
    );
  });
  afterAll(async () => {
    await bastions?.end();
    await network?.end();
  });

  test('an address that moves is seen, by the kernels and on the wire', async () => {
    expect(bastions.watch.holders).toEqual([]);
    put('north');
    await bastions.watch.alone('north');
    take('north');
    put('south');
    await bastions.watch.alone('south');
    expect(bastions.watch.doubles).toEqual([]);
  });

  test('two that have it at once are found, both ways', async () => {
    const before = now();
    put('north');
    const by = () => new Set(bastions.watch.doubles.map((sight) => sight.by));
    await expect.poll(by, { timeout: 10_000 }).toEqual(new Set(['kernel', 'wire']));
    take('north');
    await bastions.watch.alone('south');
    expect(bastions.watch.told(before)).toContain('"two":["north","south"]');
  });

  test('an address that its node cannot be asked for is not answered, but there', async () => {
    const undo = bastions.links.outer('south', 'out');
    await expect.poll(() => bastions.watch.answering, { timeout: 10_000 }).toEqual([]);
    expect(bastions.watch.holders).toEqual(['south']);
    undo();
    await bastions.watch.alone('south');
    take('south');
  });

  test('cables fail in one direction, to one place, or wholly; and are whole again', async () => {
    const whole = [true, true, true, true, true];
    expect(await reach()).toEqual(whole);
    const cuts = [
      [() => bastions.links.outer('north', 'in'), [false, false, false, true, true]],
      [
        () => bastions.links.between(bastions.node('north'), bastions.node('south')),
        [false, true, false, true, true],
      ],
      [() => bastions.links.toEngine('south', 'in'), [true, true, true, false, true]],
      [() => bastions.links.inner('north', 'out'), [true, true, true, true, false]],
      [() => bastions.links.unplug('north'), [false, false, false, true, true]],
    ] as const;
    for (const [cut, expected] of cuts) {
      const undo = cut();
      expect(await reach()).toEqual(expected);
      undo();
    }
    await expect.poll(reach, { timeout: 20_000 }).toEqual(whole);
  });

  test('pings that go lost, and the silence meanwhile, are counted', async () => {
    // No tunnel here: the client is in the network of the bastions, which know the way.
    bastions.client.ip(`route add ${INNER}/32 via ${network.addressOf('north')}`);
    const north = bastions.node('north');
    north.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    north.nft(
      'table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "eth1" masquerade; }; }',
    );
    const { pings } = bastions;
    await pings.flow(0);
    const before = now();
    const undo = bastions.links.inner('north', 'both');
    const cut = now();
    // A second without an answer: what is looked for is a silence.
    await expect.poll(() => now() - cut, { timeout: 5_000 }).toBeGreaterThan(1_000);
    const healed = now();
    undo();
    await pings.flow(healed);
    const { silence, lost } = pings.since(before);
    expect(silence).toBeGreaterThan(healed - cut);
    expect(lost).toBeGreaterThan(20);
  });

  test('a machine that hangs is stopped in all that it does, and goes on', async () => {
    const north = bastions.node('north');
    north.freeze();
    expect(await tryTcp(bastions.client, network.addressOf('north'), ECHO)).toBe('silence');
    north.thaw();
    expect(await tryTcp(bastions.client, network.addressOf('north'), ECHO)).toBe('echo');
  });
});
