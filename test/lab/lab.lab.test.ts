import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isAlive } from '../../src/sys/processes.ts';
import { requires } from '../require.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { ROUTER_ADDRESS } from './network.ts';
import type { Process } from './processes.ts';

describe('the programs in the lab', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  let north: Process;
  let south: Process;
  beforeAll(async () => {
    lab = await Lab.start(['north', 'south']);
    await lab.startEngine();
  });
  afterAll(() => lab?.dispose());

  test('devices enrol from behind the router, each as the machine that it is', async () => {
    [north, south] = await Promise.all([lab.startDevice('north'), lab.startDevice('south')]);
    const devices = await lab.json<{ name: string; hostname: string; address: string }[]>(['device', 'list']);
    expect(devices.map(({ name, hostname }) => [name, hostname])).toEqual([
      ['north', 'north'],
      ['south', 'south'],
    ]);
    for (const { address } of devices) expect(address).toContain(ROUTER_ADDRESS);
  });

  test('a command runs on its device', async () => {
    const job = await lab.run(['sh', '-c', 'hostname; ip -brief address'], ['south']);
    expect(job.targets[0]?.stdout).toContain('south');
    expect(job.targets[0]?.stdout).toContain(lab.network.addressOf('south'));
  });

  test('a program is killed by its own number, not the one of what brought it there', async () => {
    const { pid } = south;
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('borealis-agent');
    expect(await south.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
  });

  test('what runs on a machine ends with it', async () => {
    const { pid } = north;
    await lab.device('north').end();
    await north.finished;
    expect(isAlive(pid!)).toBe(false);
  });
});
