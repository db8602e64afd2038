/** Pairs as operators ask for them: what is refused, what waits, what is on record. */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EventType } from '../../../src/protocol/event.ts';
import type { InputOf } from '../../../src/protocol/operations.ts';
import { RecordingStore } from '../../store/recording.ts';
import { until } from '../agents.ts';
import { HaPlace, type Node, OFFICE } from './place.ts';

let place: HaPlace;
beforeEach(async () => {
  place = await HaPlace.open();
});
afterEach(() => place.close());

const vpn = 'office';
const code = (wanted: string, says?: string) =>
  expect.objectContaining({ code: wanted, ...(says && { message: expect.stringContaining(says) }) });
const viewerHere = {
  role: 'viewer',
  limited: true,
  projects: new Map([['lab', 'viewer' as const]]),
} as const;
const adminElsewhere = {
  role: 'viewer',
  limited: true,
  projects: new Map([['home', 'admin' as const]]),
} as const;
const adminHere = { role: 'viewer', limited: true, projects: new Map([['lab', 'admin' as const]]) } as const;

describe('enable', () => {
  test('makes a pair; both are told what they are, and one has the address', async () => {
    const [one, two] = await place.pair({ lease_seconds: 3, threshold: 6, fail_back: true });
    const shown = await place.call('ha.show', { vpn });
    expect(shown).toMatchObject({
      vpn,
      address: '192.0.2.10/24',
      state: 'ok',
      reason: 'one has the address; two can take it at once.',
      primary: 'one',
      standby: 'two',
      holder: 'one',
      last_switch: null,
      driver: 'own',
      lease_seconds: 3,
      threshold: 6,
      interval_ms: 500,
      fail_back: true,
      preferred: 'one',
      flapping: false,
      port: 47_002,
      nodes: [
        {
          device: 'one',
          guid: one.guid,
          role: 'holder',
          online: true,
          revision_behind: 0,
          endpoint: '192.0.2.1:47002',
        },
        {
          device: 'two',
          guid: two.guid,
          role: 'standby',
          other_heard: true,
          endpoints: 3,
          stranger: null,
          error: null,
        },
      ],
    });
    expect(place.told.at(-1)).toMatchObject([
      {
        guid: one.guid,
        ha: {
          self: one.guid,
          other: two.guid,
          other_endpoint: '192.0.2.2:47002',
          preferred: true,
          lease: { promise: 3_000, renew: 500 },
        },
      },
      { guid: two.guid, ha: { self: two.guid, other_endpoint: '192.0.2.1:47002', preferred: false } },
    ]);
    expect(await place.call('ha.list', {})).toEqual([shown]);
    expect(await place.audited('ha.enable')).toEqual([
      { actor: 'ada', action: 'ha.enable', target: 'office', result: 'done' },
    ]);
  });

  test('gives both the same key, which is sealed in the store', async () => {
    await place.pair();
    const keys = new Set(place.told.at(-1)?.map(({ ha }) => ha.key));
    expect(keys.size).toBe(1);
    const [key = ''] = keys;
    const row = await place.agents.store.read.selectFrom('ha_pair').selectAll().executeTakeFirstOrThrow();
    expect(row.sealed_key.includes(Buffer.from(key, 'base64url'))).toBe(false);
    expect(
      JSON.stringify([await place.call('ha.show', { vpn }), place.agents.told, place.agents.logged]),
    ).not.toContain(key);
  });

  test.each<[string, Partial<InputOf<'ha.enable'>>, string, string]>([
    ['the same device twice', { standby: 'one' }, 'INVALID_INPUT', 'cannot be both'],
    ['a device that is none', { standby: 'three' }, 'DEVICE_NOT_FOUND', 'three'],
    ['a device that cannot', { standby: 'unfit' }, 'BASTION_UNSUPPORTED', 'unfit'],
    ['a device that is away', { standby: 'away' }, 'DEVICE_OFFLINE', 'away'],
    ['a device that is quarantined', { standby: 'bad' }, 'DEVICE_STATE_CONFLICT', 'quarantined'],
    ['the address of a network', { address: '192.0.2.0/24' }, 'INVALID_INPUT', 'the network'],
    ['a broadcast address', { address: '192.0.2.255/24' }, 'INVALID_INPUT', 'broadcast'],
    ['an address without a network', { address: '192.0.2.10/32' }, 'INVALID_INPUT', 'no other address'],
    [
      'one without a network on an interface that is named',
      { address: '192.0.2.10/32', interface: 'eth0' },
      'INVALID_INPUT',
      'no other address',
    ],
    ['an anycast address', { address: '2001:db8::/64' }, 'INVALID_INPUT', 'the network'],
    ['a link-local address', { address: 'fe80::7/64' }, 'INVALID_INPUT', 'no address of a host'],
    ['loopback', { address: '127.0.0.1/8' }, 'INVALID_INPUT', 'no address of a host'],
    ['an address of its pool', { address: '10.8.0.77/16' }, 'NETWORK_OVERLAP', 'the pool of office'],
    ['its own port', { port: 51_820 }, 'PORT_TAKEN', 'office itself'],
    ['a hook without its driver', { hook: '/bin/true' }, 'INVALID_INPUT', 'hook'],
    ['the driver without its hook', { driver: 'hook' }, 'INVALID_INPUT', 'hook'],
  ])('refuses %s', async (_, rest, error, says) => {
    await place.enrolled('one');
    await place.enrolled('two');
    await place.node(await place.agents.enrol('unfit'), { bastion: false });
    await place.agents.enrol('away');
    const bad = await place.enrolled('bad');
    await place.agents.store.write(async ({ db }) => {
      await db.updateTable('device').set({ state: 'quarantined' }).where('guid', '=', bad.guid).execute();
    });
    await expect(place.enable(rest)).rejects.toEqual(code(error, says));
    expect(await place.call('ha.list', {})).toEqual([]);
    expect(place.told).toEqual([]);
  });

  test.each([
    [{ address: '192.0.2.10' }],
    [{ address: '192.0.2.300/24' }],
    [{ lease_seconds: 0 }],
    [{ lease_seconds: 31 }],
    [{ lease_seconds: 1.5 }],
    [{ threshold: 2 }],
    [{ threshold: 11 }],
    [{ driver: 'hook', hook: 'bin/move' }],
    [{ driver: 'hook', hook: '/bin/sh -c reboot' }],
    [{ interface: 'eth0; reboot' }],
    [{ router_id: 256 }],
  ])('does not take %j', async (rest) => {
    await expect((async () => place.enable(rest as object))()).rejects.toThrow(/Invalid|must|Too/);
  });

  test('refuses an endpoint that leads elsewhere, and takes one that leads there', async () => {
    await place.service({
      id: 'bbbbbbbbbbbb',
      name: 'b',
      endpoint: '198.51.100.7:51821',
      listen_port: 51_821,
    });
    await place.enrolled('one');
    await place.enrolled('two');
    await expect(place.enable({ vpn: 'b' })).rejects.toEqual(code('INVALID_INPUT', '198.51.100.7'));
  });

  test('refuses a second pair of a service, and a second service at the address; ports are chosen', async () => {
    await place.pair();
    await place.service({ id: 'bbbbbbbbbbbb', name: 'b', endpoint: 'b.example:51821', listen_port: 51_821 });
    await expect(place.enable()).rejects.toEqual(code('HA_EXISTS'));
    await expect(place.enable({ vpn: 'b', address: '192.0.2.10/25' })).rejects.toEqual(
      code('HA_EXISTS', 'office'),
    );
    await expect(place.enable({ vpn: 'b', address: '192.0.2.11/24', port: 47_002 })).rejects.toEqual(
      code('PORT_TAKEN', 'another pair'),
    );
  });

  test.each<[string, object, string, string, object?]>([
    [
      'failed',
      { state: 'failed', error_code: 'HA_NO_INTERFACE', error: 'nothing in 192.0.2.0/24' },
      'HA_NO_INTERFACE',
      'two says',
    ],
    [
      'failed with what nobody knows',
      { state: 'failed', error_code: 'X', error: 'odd' },
      'COMMAND_FAILED',
      'odd',
    ],
    [
      'serves, and cannot move the address',
      {
        error_code: 'HA_HOOK_FAILED',
        error: 'The hook that moves the floating address failed. /nowhere is missing.',
      },
      'HA_HOOK_FAILED',
      'failed. two says: /nowhere is missing.',
      { role: 'failed' },
    ],
  ])('that %s on a device is undone, and both is on record', async (_, frame, error, says, ha = {}) => {
    const [one, two] = [await place.enrolled('one'), await place.enrolled('two')];
    place.onChanged = () => {
      place.onChanged = () => undefined;
      one.state({});
      two.state(ha, frame);
    };
    await expect(place.enable()).rejects.toEqual(code(error, says));
    expect(await place.call('ha.list', {})).toEqual([]);
    expect(place.told.at(-1)).toBeNull();
    expect(await place.audited('ha.enable')).toMatchObject([
      { actor: 'ada', result: 'done' },
      { actor: 'engine', result: error },
    ]);
  });

  test('refuses a service whose pool is a network of one of the devices', async () => {
    const [, two] = [await place.enrolled('one'), await place.enrolled('two')];
    const interfaces = [{ name: 'eth1', mac: null, addresses: ['10.8.0.77/16'] }];
    await place.agents.store.write(({ db }) =>
      db
        .insertInto('inventory')
        .values({ guid: two.guid, collected_at: 0, document_json: JSON.stringify({ interfaces }) })
        .execute(),
    );
    await expect(place.enable()).rejects.toEqual(code('NETWORK_OVERLAP', 'a network of two, at eth1'));
    expect([place.told, place.ha.pairs.all]).toEqual([[], []]);
  });

  test('of an address that a stranger has is undone, and the stranger is named', async () => {
    const [one] = [await place.enrolled('one'), await place.enrolled('two')];
    place.onChanged = () => one.state({ role: 'conflict', stranger: '02:00:00:00:00:07' });
    await expect(place.enable()).rejects.toEqual(code('HA_ADDRESS_TAKEN', '02:00:00:00:00:07'));
    expect(await place.call('ha.list', {})).toEqual([]);
  });

  test('is for admins of the project; devices and programs on them are for those of the whole engine', async () => {
    await place.enrolled('one');
    await place.enrolled('two');
    for (const by of [viewerHere, adminElsewhere, adminHere, { role: 'operator' } as const])
      await expect(place.enable({}, by)).rejects.toEqual(code('NOT_PERMITTED'));
    const by = { role: 'operator', projects: new Map([['lab', 'admin' as const]]) } as const;
    await expect(place.enable({ driver: 'hook', hook: '/bin/move' }, by)).rejects.toEqual(
      code('NOT_PERMITTED', 'a program that runs on them'),
    );
  });
});

describe('switch', () => {
  let one: Node;
  let two: Node;
  beforeEach(async () => {
    [one, two] = await place.pair();
  });

  test('waits until the other one has it; the two change places', async () => {
    place.onAsked = () => {
      one.state({ role: 'standby' });
      two.state({ role: 'holder' });
    };
    expect(await place.call('ha.switch', { vpn })).toMatchObject({
      holder: 'two',
      primary: 'two',
      standby: 'one',
    });
    expect(place.asked).toEqual([one.guid]);
    expect(await place.audited('ha.switch')).toEqual([
      { actor: 'ada', action: 'ha.switch', target: 'office', result: 'done' },
    ]);
    // Nobody is told to be another for that: whom it was with first is not whom it goes back to.
    expect(place.told.at(-1)?.map(({ ha }) => ha.preferred)).toEqual([true, false]);
    const kept = () => place.agents.store.read.selectFrom('ha_pair').selectAll().executeTakeFirstOrThrow();
    await until(async () => (await kept()).primary_guid === two.guid);
    expect(await kept()).toMatchObject({ standby_guid: one.guid, home_guid: one.guid });
  });

  test.each<[string, () => void, string]>([
    ['is offline', () => two.agent.socket.close(), 'two is offline'],
    ['is behind', () => two.state({ role: 'behind' }), 'newest connections'],
    ['has not the newest', () => two.state({}, { revision: 0 }), 'newest connections'],
    [
      'sees a stranger',
      () => two.state({ role: 'conflict', stranger: '02:00:00:00:00:07' }),
      '02:00:00:00:00:07',
    ],
    ['failed', () => two.state({ role: 'failed' }, { state: 'failed', error: 'no nft' }), 'no nft'],
  ])('is refused where the other one %s', async (_, happens, says) => {
    happens();
    await until(async () => (await place.call('ha.show', { vpn })).state !== 'ok');
    await expect(place.call('ha.switch', { vpn })).rejects.toEqual(code('HA_NOT_READY', says));
    expect(place.asked).toEqual([]);
  });

  test('says why the holder keeps it', async () => {
    place.onAsked = () => one.state({ role: 'holder' }, { error_code: 'HA_NOT_READY', error: 'not heard' });
    await expect(place.call('ha.switch', { vpn })).rejects.toEqual(
      code('HA_NOT_READY', 'one says: not heard'),
    );
  });

  test('is for operators of the project; disable for its admins', async () => {
    for (const by of [viewerHere, adminElsewhere]) {
      await expect(place.call('ha.switch', { vpn }, by)).rejects.toEqual(code('NOT_PERMITTED'));
      await expect(place.call('ha.disable', { vpn }, by)).rejects.toEqual(code('NOT_PERMITTED'));
    }
    await expect(place.call('ha.show', { vpn }, adminElsewhere)).rejects.toEqual(code('NOT_PERMITTED'));
    expect(await place.call('ha.list', {}, adminElsewhere)).toEqual([]);
    expect(await place.call('ha.list', {}, viewerHere)).toHaveLength(1);
  });
});

describe('a pair', () => {
  test('is taken apart: its nodes are told, the service runs on its own node', async () => {
    await place.pair();
    place.untold = ['two'];
    expect(await place.call('ha.disable', { vpn })).toEqual({ untold: ['two'] });
    expect(place.told.at(-1)).toBeNull();
    expect(await place.audited('ha.disable')).toEqual([
      { actor: 'ada', action: 'ha.disable', target: 'office', result: 'done' },
    ]);
    await expect(place.call('ha.show', { vpn })).rejects.toEqual(code('HA_NOT_FOUND'));
    await expect(place.call('ha.disable', { vpn })).rejects.toEqual(code('HA_NOT_FOUND'));
  });

  test('that comes after another one at its address waits for what was promised in that one', async () => {
    const [one, two] = await place.pair({ lease_seconds: 30 });
    await place.call('ha.disable', { vpn });
    place.onChanged = () => {
      one.state({ role: 'holder', endpoint: '192.0.2.1:47002' });
      two.state({ role: 'standby', endpoint: '192.0.2.2:47002' });
    };
    const told = place.told.length;
    const enabled = place.enable({ lease_seconds: 1, primary: 'two', standby: 'one' });
    // At another address there is nothing to wait for.
    expect(place.ha.pairs.boundFor('192.0.2.11/24')).toBe(0);
    expect(place.ha.pairs.boundFor('192.0.2.10/25')).toBeGreaterThan(20_000);
    place.agents.clock.advance(20_000);
    await one.agent.settled();
    expect(place.told.length).toBe(told);
    place.agents.clock.advance(11_000);
    await enabled;
    expect(place.told.length).toBeGreaterThan(told);
  });

  test('that comes after another one that was taken apart just before the engine was killed waits as well', async () => {
    await place.pair({ lease_seconds: 30 });
    await place.call('ha.disable', { vpn });
    const { directory } = place.agents;
    await place.close({ keep: true });
    place = await HaPlace.open(directory);
    expect(place.ha.pairs.boundFor('192.0.2.10/24')).toBeGreaterThan(20_000);
    expect(place.ha.pairs.boundFor('192.0.2.11/24')).toBe(0);
    place.agents.clock.advance(31_000);
    expect(place.ha.pairs.boundFor('192.0.2.10/24')).toBe(0);
  });

  test('that comes after another one whose service was deleted just before the engine was killed waits as well', async () => {
    await place.pair({ lease_seconds: 30 });
    await place.agents.store.write(async (tx) => {
      await place.ha.pairs.deleted(tx, OFFICE);
      await tx.db.deleteFrom('vpn_service').execute();
    });
    const { directory } = place.agents;
    await place.close({ keep: true });
    place = await HaPlace.open(directory);
    expect(place.ha.pairs.all).toEqual([]);
    expect(place.ha.pairs.boundFor('192.0.2.10/24')).toBeGreaterThan(20_000);
  });

  test('whose standby has no working WireGuard is not well, though its agent is there', async () => {
    const [, two] = await place.pair();
    two.state({}, { state: 'failed', error_code: 'COMMAND_FAILED', error: 'wg: no such device' });
    await until(async () => (await place.call('ha.show', { vpn })).state === 'degraded');
    expect(await place.call('ha.show', { vpn })).toMatchObject({ reason: 'two: wg: no such device.' });
    await expect(place.call('ha.switch', { vpn })).rejects.toEqual(code('HA_NOT_READY', 'no such device'));
    two.state({ role: 'failed' }, { error_code: 'HA_HOOK_FAILED', error: 'the hook hangs' });
    await until(async () =>
      /could not take the address: the hook hangs/.test((await place.call('ha.show', { vpn })).reason),
    );
  });

  test('of which both say that they have the address is not well', async () => {
    const [, two] = await place.pair();
    two.state({ role: 'holder' });
    await until(async () => (await place.call('ha.show', { vpn })).state === 'degraded');
    expect((await place.call('ha.show', { vpn })).reason).toMatch(/has the address as well/);
  });

  test('is on record together with what its service leaves on this host, for an engine after one that is killed', async () => {
    await place.pair();
    const facts = await place.agents.store.read.selectFrom('engine_fact').select('name').execute();
    expect(facts).toContainEqual({ name: `vpn-leaves-host:${OFFICE}` });
  });

  test('is known to the next engine, with where its nodes are heard', async () => {
    const [one, two] = await place.pair();
    const before = place.told.at(-1);
    const { directory } = place.agents;
    await place.close({ keep: true });
    place = await HaPlace.open(directory);
    expect(place.ha.pairs.nodesOf('officeoffice')).toEqual(before);
    expect(await place.call('ha.show', { vpn })).toMatchObject({ state: 'switching', holder: null });
    (await place.node(one.device)).state({ role: 'holder', endpoint: '192.0.2.1:47002' });
    (await place.node(two.device)).state({ endpoint: '192.0.2.2:47002' });
    await until(async () => (await place.call('ha.show', { vpn })).state === 'ok');
  });

  test('goes with its service', async () => {
    await place.pair();
    await place.agents.store.write(async (tx) => {
      await tx.db.deleteFrom('vpn_service').execute();
      await place.agents.events.record(tx, {
        type: 'vpn.changed',
        message: 'ada deleted the VPN service office',
        data: { vpn, change: 'deleted' },
      });
    });
    expect(await place.call('ha.list', {})).toEqual([]);
  });

  test('tells when it is no longer well, and when it is again; and of flapping', async () => {
    const [one, two] = await place.pair();
    const told = async (type: EventType, state?: string) => {
      await two.agent.settled();
      place.ha.round();
      await place.agents.event(type, ({ data }) => state === undefined || data.state === state);
    };
    two.state({ role: 'behind' });
    await told('ha.changed', 'degraded');
    two.state({});
    await told('ha.changed', 'ok');
    for (const id of ['a', 'b', 'c']) {
      two.switched(id, { from: one.guid });
      await two.agent.next('BASTION_SEEN');
    }
    await told('ha.flapping');
    expect(await place.call('ha.show', { vpn })).toMatchObject({ state: 'degraded', flapping: true });
    place.agents.clock.advance(11 * 60_000);
    await two.agent.settled();
    expect(await place.call('ha.show', { vpn })).toMatchObject({ flapping: false });
  });

  test('goes back only where that was asked for, and once its preferred node was well for a minute', async () => {
    const [one, two] = await place.pair({ fail_back: true });
    const heard = async (seconds: number) => {
      place.agents.clock.advance(seconds * 1_000);
      one.state({ role: 'standby' });
      two.state({ role: 'holder' });
      await place.settled(one, two);
      place.ha.round();
    };
    await heard(0);
    await heard(30);
    await heard(20);
    expect(place.asked).toEqual([]);
    await heard(11);
    expect(place.asked).toEqual([two.guid]);
    await heard(5);
    expect(place.asked).toHaveLength(1);
  });

  test('waits anew when that one was not well meanwhile, and longer after each switch that nobody asked for', async () => {
    const [one, two] = await place.pair({ fail_back: true });
    for (const id of ['a', 'b']) two.switched(id, { from: one.guid });
    const heard = async (seconds: number, role: 'standby' | 'behind' = 'standby') => {
      place.agents.clock.advance(seconds * 1_000);
      one.state({ role });
      two.state({ role: 'holder' });
      await place.settled(one, two);
      place.ha.round();
    };
    await heard(0);
    await heard(30);
    await heard(30, 'behind');
    await heard(1);
    for (const _ of [1, 2, 3]) await heard(38);
    expect(place.asked).toEqual([]);
    await heard(10);
    expect(place.asked).toEqual([two.guid]);
  });

  test('stays where it is where going back was not asked for', async () => {
    const [one, two] = await place.pair();
    for (let minutes = 0; minutes < 3; minutes += 1) {
      one.state({ role: 'standby' });
      two.state({ role: 'holder' });
      await place.settled(one, two);
      place.ha.round();
      place.agents.clock.advance(30_000);
    }
    expect(place.asked).toEqual([]);
  });
});

test('no query of pairs and their history reads a whole table', async () => {
  let recording: RecordingStore | undefined;
  const recorded = await HaPlace.open(undefined, (store) => {
    recording = new RecordingStore(store);
    return recording;
  });
  const [one, two] = await recorded.pair();
  two.switched('a', { from: one.guid });
  await two.agent.next('BASTION_SEEN');
  await recorded.call('ha.show', { vpn });
  await recorded.call('ha.history', { vpn });
  recorded.onAsked = () => {
    one.state({ role: 'standby' });
    two.state({ role: 'holder' });
  };
  await recorded.call('ha.switch', { vpn });
  await recorded.call('ha.disable', { vpn });
  const costly = recording?.costly(join(recorded.agents.directory, 'borealis.db')).filter(
    // All ports that are taken, all pairs when the engine begins: that is what was asked for.
    ({ query, step }) =>
      !/VALUES CLAUSE/.test(step) &&
      !/select "name", "listen_port" from "vpn_service"|order by "(vpn_id|name)"$/.test(query),
  );
  await recorded.close();
  expect(recording?.queries).toBeGreaterThan(20);
  expect(costly).toEqual([]);
});
