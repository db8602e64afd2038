/** Quickstart as root, on a machine of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freeCableNetwork } from '../../src/commands/local/quickstart/demo-network.ts';
import { Host } from '../lab/host.ts';
import { LAB_NEEDS } from '../lab/lab.ts';
import { machineState } from '../lab/machine-state.ts';
import { binary, Place, Process } from '../lab/processes.ts';
import { requires } from '../require.ts';
import { hold } from './hold.ts';
import { toldByQuickstart } from './told-by-quickstart.ts';

interface Told {
  readonly engine: { pid: number };
  readonly device: { guid: string; name: string };
  readonly inventory: { interfaces: { name: string; addresses: string[] }[] };
  readonly tunnel: { virtual_ip: string; state: string };
  readonly shell: { output: string; exit_code: number };
  readonly steps: { step: string; state: string }[];
}

describe('quickstart as root', requires(...LAB_NEEDS), () => {
  const place = new Place();
  let machine: Host;
  let before: string;
  const quickstart = (...args: string[]) => {
    const env = { BOREALIS_STATE: place.path('all') };
    return new Process(binary('borealisctl'), ['quickstart', ...args], env, { within: machine.enter })
      .finished;
  };
  const up = async (): Promise<Told> => {
    const { code, stdout, stderr } = await quickstart('--json');
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Told;
  };
  beforeAll(async () => {
    machine = await Host.start('machine');
    // Others have networks too. What ip-netns(8) makes for the first of all namespaces stays by its own design.
    machine.run('ip', 'netns', 'add', 'other');
    machine.ip(
      'link add other0 type veth peer name other1 netns other',
      'address add 198.18.0.1/24 dev other0',
    );
    machine.ip('link set other0 up');
    machine.nft('table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }');
    before = machineState(machine);
  });
  afterAll(async () => {
    await machine?.end();
    await place.dispose();
  });
  let first: Told;

  test('makes a machine for the agent, behind a router', async () => {
    first = await up();
    expect(first.steps.map(({ step, state }) => `${step}: ${state}`)).toContain(
      'A machine for the agent: done',
    );
    const addresses = first.inventory.interfaces.flatMap(({ addresses }) => addresses);
    expect(addresses).toContain('192.168.77.2/24');
    expect(machine.run('ip', '-brief', 'address')).not.toContain('192.168.77.');
    // What only that machine knows, seen through its tunnel.
    expect(first.tunnel).toMatchObject({ state: 'up', virtual_ip: '10.255.0.2' });
    expect(first.shell).toMatchObject({ exit_code: 0, output: expect.stringContaining('192.168.77.2/24') });
    expect(first.shell.output).toContain('10.255.0.2/32');
    expect(machine.run('ip', '-brief', 'address')).toMatch(/^bdemo.* 198\.18\.1\.1\/30/m);
    await hold(place, 'quickstart-machine', toldByQuickstart(first));
  });

  test('run again, leaves it as it is', async () => {
    const again = await up();
    expect(again.device.guid).toBe(first.device.guid);
    expect(again.steps).toContainEqual({ step: 'A machine for the agent', state: 'there' });
  });

  test('makes it again where it is gone, as after a restart of the machine', async () => {
    for (const name of machine.run('ip', 'netns').match(/^borealis-\S+/gm) ?? []) {
      machine.run('sh', '-c', 'ip netns pids "$1" | xargs -r kill -9', 'kill', name);
      machine.run('ip', 'netns', 'delete', name);
    }
    await expect.poll(() => machine.run('ip', '-brief', 'link')).not.toContain('bdemo');
    const again = await up();
    expect(again.device.guid).toBe(first.device.guid);
    expect(again.steps).toContainEqual({ step: 'A machine for the agent', state: 'done' });
  });

  test('--down removes all of it', async () => {
    expect(await quickstart('--down')).toMatchObject({ code: 0 });
    await expect.poll(() => machineState(machine)).toBe(before);
  });

  test('touches no namespace that is not its own: the agent then lives on this machine, and why is said', async () => {
    await up();
    const names = machine.run('ip', 'netns').match(/^borealis-\S+/gm)!;
    await quickstart('--down', '--purge', '--yes');
    for (const name of names) machine.run('ip', 'netns', 'add', name);
    const others = machineState(machine);
    const { code, stdout } = await quickstart();
    expect(code).toBe(0);
    expect(stdout).toMatch(/Left out: .*borealis-demo-\w+, borealis-router-\w+: no record says/);
    expect(stdout).toContain('Hello from');
    await quickstart('--down');
    expect(machineState(machine)).toBe(others);
  });
});

test('the network of the cable is one that nobody uses', () => {
  expect(freeCableNetwork([{ dst: 'default' }, {}])).toEqual({ own: '198.18.0.1', router: '198.18.0.2' });
  expect(freeCableNetwork([{ dst: '198.18.0.3' }, { dst: '198.18.1.0/24' }])?.own).toBe('198.18.2.1');
  expect(freeCableNetwork([{ dst: '10.0.0.0/8' }, { dst: '198.16.0.0/14' }])).toBeUndefined();
});
