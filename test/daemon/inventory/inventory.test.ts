import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Inventory } from '../../../src/protocol/device.ts';
import { type TestAgent, TestAgents, type TestDevice, until } from '../agents.ts';

let agents: TestAgents;
let device: TestDevice;
let agent: TestAgent;
beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  device = await agents.enrol('web1');
  agent = await agents.connect(device);
});
afterEach(() => agents.close());

const inventory = (changed: Partial<Inventory> = {}): Inventory => ({
  collected_at: new Date(agents.clock.now()).toISOString(),
  system: { manufacturer: 'QEMU', model: null, serial: null, virtual: true },
  os: {
    platform: 'linux',
    distribution: 'debian',
    release: '13',
    kernel: '6.12',
    hostname: 'web1',
    timezone: 'UTC',
  },
  cpu: { model: null, cores: 2, physical_cores: null, speed_mhz: null },
  memory_bytes: 1024,
  disks: [{ device: '/dev/vda', mount: '/', type: 'ext4', size_bytes: 10 }],
  interfaces: [{ name: 'eth0', mac: null, addresses: ['192.0.2.1'] }],
  routes: [{ network: '10.50.0.0/16', interface: 'eth0' }],
  interpreters: [],
  verbs: ['run_command'],
  ...changed,
});
const send = (document: Inventory, by = agent) => by.send({ type: 'INVENTORY', inventory: document });
const stored = () =>
  agents.store.read.selectFrom('inventory').selectAll().where('guid', '=', device.guid).executeTakeFirst();
const told = () => agents.told.filter(({ type }) => type === 'device.inventory');

describe('an inventory', () => {
  test('is stored and told, and again only when it changed', async () => {
    const first = inventory();
    send(first);
    await until(() => told().length === 1);
    expect(JSON.parse((await stored())!.document_json)).toEqual(first);
    agents.clock.advance(5_000);
    send(inventory());
    send(inventory({ memory_bytes: 2048, verbs: [] }));
    await until(() => told().length === 2);
    expect(told()[1]).toMatchObject({
      message: 'The inventory of web1 changed: memory_bytes, verbs',
      data: { changed: ['memory_bytes', 'verbs'] },
    });
  });

  test('of the user’s agent counts only where there is no other', async () => {
    const user = await agents.connect(await agents.enrol('web1', { context: 'user', guid: device.guid }));
    send(inventory({ memory_bytes: 1 }), user);
    await user.settled();
    send(inventory());
    await until(() => told().length === 1);
    expect(JSON.parse((await stored())!.document_json).memory_bytes).toBe(1024);
    const alone = await agents.enrol('phone', { context: 'user' });
    send(inventory(), await agents.connect(alone));
    await until(() => told().some(({ device: name }) => name === 'phone'));
  });
});

describe('what an agent tells', () => {
  test.each(['signature_refused', 'replay_refused'] as const)('as %s is an alarm', async (kind) => {
    agent.send({ type: 'EVENT', kind, message: 'A signature does not\u001b[31m verify.', corr_id: null });
    expect(await agents.event('security.alert')).toMatchObject({
      device: 'web1',
      message: 'web1 refused a message: A signature does not [31m verify.',
      data: { kind },
    });
    expect(agents.watch.signatureFailures).toBe(1);
  });

  test('besides is an event of the device', async () => {
    agent.send({ type: 'EVENT', kind: 'stopping', message: 'It stops.', corr_id: null });
    expect(await agents.event('agent.event')).toMatchObject({ device: 'web1', message: 'web1: It stops.' });
  });
});
