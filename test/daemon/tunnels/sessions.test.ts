/** Sessions of devices that say what they like. The network is one that remembers what was wanted of it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OwnEnd } from '../../../src/daemon/tunnels/engine-end.ts';
import { Sessions } from '../../../src/daemon/tunnels/sessions.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { Store } from '../../../src/store/store.ts';
import type { HostUse } from '../../../src/wg/host-uses.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import type { Network } from '../../../src/wg/network.ts';
import type { ObservedPeer, WantedNetwork } from '../../../src/wg/types.ts';
import { checkWanted } from '../../../src/wg/wanted.ts';
import { type TestAgent, TestAgents, until } from '../agents.ts';

const ROOT = { user: 'root', uid: 0 };
let agents: TestAgents;
let sessions: Sessions;
let end: OwnEnd;
let wanted: WantedNetwork = {};
let stands = true;
let made = 1;
let uses: HostUse[] = [];
let diskFull = false;

/** Every peer has shaken hands as soon as it is wanted. */
const network: Network = {
  apply: async (given) => {
    wanted = checkWanted(given);
    stands = true;
  },
  peers: async () => peers().map(observed),
  device: async () => null,
  call: () => Promise.resolve(),
  forget: () => Promise.resolve(),
  stands: async () => stands,
  guarded: async () => true,
  made: () => made,
  observe: async () => ({ interfaces: new Map(), table: null }),
  teardown: async () => {
    wanted = {};
  },
};
const peers = () => wanted.interfaces?.[0]?.peers ?? [];
const observed = ({ publicKey, allowedIps }: ReturnType<typeof peers>[number]): ObservedPeer => ({
  publicKey,
  presharedKeyDigest: null,
  endpoint: null,
  lastHandshake: 1,
  receivedBytes: 0,
  sentBytes: 0,
  persistentKeepalive: 1,
  allowedIps,
});

beforeEach(async () => {
  uses = [];
  diskFull = false;
  agents = await (await TestAgents.open()).start();
  const { events, clock, keys, channels, log } = agents;
  const store: Store = Object.assign(Object.create(agents.store), {
    write: ((work) =>
      diskFull
        ? Promise.reject(new BorealisError('DISK_FULL'))
        : agents.store.write(work)) satisfies Store['write'],
  });
  const settings = { tunnel_interface: 'borealis0', tunnel_port: 30_000, tunnel_network: '10.255.0.0/16' };
  end = await OwnEnd.open({ store, keys, network, settings, uid: 0, uses: async () => uses, clock });
  sessions = new Sessions({ store, events, clock, keys, channels, end, log, idleMs: () => 900_000 });
  channels.attach(sessions.consumer);
  await sessions.start();
});
afterEach(async () => {
  await sessions.close();
  await agents.close();
});

const connect = async (name: string, wireguard_key: string): Promise<TestAgent> => {
  const agent = await agents.dial(await agents.enrol(name));
  agent.send(agent.hello({ wireguard_key }));
  await agent.next('WELCOME');
  return agent;
};

test('a device with the WireGuard key of another gets no tunnel, and the other keeps its own', async () => {
  const { publicKey } = generateKeyPair();
  const honest = await connect('honest', publicKey);
  const thief = await connect('thief', publicKey);
  await sessions.open(honest.device.guid, ROOT);
  await expect(sessions.open(thief.device.guid, ROOT)).rejects.toMatchObject({ code: 'TUNNEL_FAILED' });
  expect(peers()).toMatchObject([{ publicKey, allowedIps: ['10.255.0.2/32'] }]);
  expect(sessions.current(honest.device.guid)).toMatchObject({ address: '10.255.0.2' });
});

test('a device with the key of the engine gets no tunnel', async () => {
  const { device } = await connect('thief', end.publicKey);
  await expect(sessions.open(device.guid, ROOT)).rejects.toMatchObject({ code: 'TUNNEL_FAILED' });
});

test('a device that takes the key of another, or of its relay, while its tunnel is up, loses the tunnel', async () => {
  const [one, other] = [generateKeyPair().publicKey, generateKeyPair().publicKey];
  const honest = await connect('honest', one);
  await sessions.open(honest.device.guid, ROOT);
  const probeKey = generateKeyPair().publicKey;
  sessions.relayed(honest.device.guid, probeKey);
  for (const [index, stolen] of [one, probeKey].entries()) {
    const thief = await connect(`thief-${index}`, other);
    const { tunnelId } = await sessions.open(thief.device.guid, ROOT);
    const about = { tunnel_id: tunnelId, transport: 'udp', error_code: null, error: null };
    thief.send({ type: 'TUNNEL_STATE', state: 'up', public_key: stolen, ...about });
    await until(() => sessions.current(thief.device.guid) === undefined);
    await until(() => peers().length === 2);
  }
  expect(peers().map(({ publicKey, allowedIps }) => [publicKey, allowedIps])).toEqual([
    [one, ['10.255.0.2/32']],
    [probeKey, []],
  ]);
});

test.each([
  [
    'that is gone is made again',
    () => {
      wanted = {};
      stands = false;
    },
  ],
  [
    'that another change found gone and made again is a new one',
    () => {
      made += 1;
    },
  ],
])('an interface %s, and its devices are asked for new sessions', async (_what, happens) => {
  const { publicKey } = generateKeyPair();
  const agent = await connect('north', publicKey);
  const before = await sessions.open(agent.device.guid, ROOT);
  await agent.next('TUNNEL');
  happens();
  await agent.next('TUNNEL');
  expect(peers()).toMatchObject([{ publicKey, allowedIps: ['10.255.0.2/32'] }]);
  expect(await sessions.open(agent.device.guid, ROOT)).toEqual(before);
  await until(() => sessions.current(agent.device.guid) !== undefined);
});

test('what the host uses of the network itself stays its own, and is no device’s', async () => {
  uses = [
    { network: '10.255.0.2/31', what: 'a route' },
    { network: '10.255.128.0/17', what: 'a route' },
    { network: '10.0.0.0/8', what: 'a route' },
    { network: 'fd00::/64', what: 'a route' },
  ];
  const { device } = await connect('north', generateKeyPair().publicKey);
  expect(await sessions.open(device.guid, ROOT)).toMatchObject({ address: '10.255.0.4' });
  const { addresses, routes } = wanted.interfaces?.[0] ?? {};
  expect(addresses).toEqual(['10.255.0.1/32']);
  // The smaller half without the two: from /31 to /18, one of each.
  const lengths = routes?.map((route) => Number(route.split('/')[1])).sort((a, b) => a - b);
  expect(lengths).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
  expect(routes).toEqual(expect.arrayContaining(['10.255.0.0/31', '10.255.0.4/30', '10.255.64.0/18']));
});

test('where the host has another use for the engine’s address, there is no tunnel, and nothing is made', async () => {
  uses = [{ network: '10.255.0.0/24', what: 'a route of this host through eth1' }];
  const { device } = await connect('north', generateKeyPair().publicKey);
  await expect(sessions.open(device.guid, ROOT)).rejects.toMatchObject({ code: 'NETWORK_OVERLAP' });
  expect(wanted).toEqual({});
  uses = [];
  expect(await sessions.open(device.guid, ROOT)).toMatchObject({ address: '10.255.0.2' });
});

test('a tunnel that could not be kept for the next engine is taken down, and who asked for it hears why', async () => {
  const agent = await connect('north', generateKeyPair().publicKey);
  const { guid } = agent.device;
  await sessions.open(guid, ROOT);
  await sessions.kept(guid);
  await sessions.disconnect(guid, 'disconnected');
  diskFull = true;
  // Its address is its own already: the first that is written is that it is up.
  await expect(sessions.open(guid, ROOT)).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(sessions.current(guid)).toBeUndefined();
  await until(() => peers().length === 0);
});
