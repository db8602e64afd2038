import { expect, test } from 'vitest';
import { BorealisError } from '../../src/protocol/errors.ts';
import { createNetwork } from '../../src/wg/network.ts';
import type { WantedNetwork } from '../../src/wg/types.ts';
import { keyPairs, peer } from './lab/wanted.ts';
import { Simulation } from './simulation.ts';

const [own, ...others] = keyPairs(5);
const NAME = 'borealis0';
const withPeers = (count: number): WantedNetwork => ({
  interfaces: [
    {
      name: NAME,
      privateKey: own!.privateKey,
      peers: others.slice(0, count).map((keys, index) => peer(keys, `10.255.0.${index + 2}`)),
    },
  ],
});

test('changes come one at a time, and those that wait become the newest', async () => {
  const simulation = new Simulation({ module: false });
  const network = createNetwork(simulation.system);
  const [first, ...rest] = [1, 2, 3, 4].map((count) => network.apply(withPeers(count)));
  await first;
  expect(simulation.links.get(NAME)?.peers.size).toBe(1);
  await Promise.all(rest);
  const { peers } = simulation.links.get(NAME)!;
  expect(peers.size).toBe(4);
  expect([...peers.values()].map(({ touched }) => touched)).toEqual([1, 1, 1, 1]);
});

test('one that fails is told to those who asked for it, and the next is done all the same', async () => {
  const simulation = new Simulation({ module: true });
  simulation.addLink(NAME, { kind: 'veth' });
  const network = createNetwork(simulation.system);
  await expect(network.apply(withPeers(1))).rejects.toMatchObject({ code: 'WG_INTERFACE_FOREIGN' });
  simulation.links.delete(NAME);
  await network.apply(withPeers(2));
  expect(simulation.links.get(NAME)?.peers.size).toBe(2);
});

test.each([true, false])(
  'it stands until its link is gone or its process says nothing (module: %s)',
  async (module) => {
    const simulation = new Simulation({ module });
    const { system } = simulation;
    let hangs = false;
    const ask: typeof system.ask = (name, request) =>
      hangs ? Promise.reject(new BorealisError('TIMED_OUT')) : system.ask(name, request);
    const network = createNetwork({ ...system, ask });
    expect(await network.stands(NAME)).toBe(false);
    await network.apply(withPeers(2));
    expect(await network.stands(NAME)).toBe(true);
    hangs = true;
    expect(await network.stands(NAME)).toBe(module);
    hangs = false;
    await network.apply(withPeers(3));
    expect(network.made(NAME)).toBe(1);
    simulation.links.delete(NAME);
    expect(await network.stands(NAME)).toBe(false);
    if (!module) simulation.endProcesses();
    await network.apply(withPeers(3));
    expect(network.made(NAME)).toBe(2);
  },
);

test('a teardown comes after what runs', async () => {
  const simulation = new Simulation({ module: true });
  const network = createNetwork(simulation.system);
  const applied = network.apply(withPeers(2));
  await network.teardown({ interfaces: [NAME], firewall: true });
  await applied;
  expect(simulation.links.size).toBe(0);
  expect((await network.observe([NAME])).interfaces.get(NAME)).toEqual({ state: 'absent' });
});

test('nft that ends with 1 and says nothing, as while another one changes tables, is asked again', async () => {
  const { system, nft } = new Simulation({ module: true });
  nft.load('table inet borealis {\n}\n');
  let silent = 2;
  const run: typeof system.run = async (file, args, options) => {
    if (file !== 'nft' || !args.includes('list') || silent === 0) return system.run(file, args, options);
    silent -= 1;
    return { exitCode: 1, signal: null, stdout: '', stderr: '' };
  };
  const network = createNetwork({ ...system, run });
  expect((await network.observe([])).table).toContain('borealis');
  silent = 100;
  await expect(network.observe([])).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
});
