/** Services and connections: what is refused, what is given out once, what is let in when. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { checkWanted } from '../../../src/wg/wanted.ts';
import { RecordingStore } from '../../store/recording.ts';
import { until } from '../agents.ts';
import { VpnPlace } from './place.ts';

let place: VpnPlace;
beforeEach(async () => {
  place = await VpnPlace.open();
  await place.services.start();
});
afterEach(() => place.close());

const add = (name: string, rest: object = {}) =>
  place.call('connection.add', { vpn: 'office', name, ...rest });
const config = (connection: string, rest: object = {}) =>
  place.call('connection.config', { vpn: 'office', connection, ...rest });
const key = () => generateKeyPair().publicKey;
const code = (wanted: string, says?: string) =>
  expect.objectContaining({ code: wanted, ...(says && { message: expect.stringContaining(says) }) });

describe('a service', () => {
  test('has an interface, a port and a pool of its own; several live beside each other', async () => {
    expect(await place.office()).toMatchObject({
      interface: 'bvpn0',
      listen_port: 51_820,
      phase: 'up',
      node: 'engine',
    });
    const second = { name: 'lab', endpoint: 'vpn.example.org:51821', pool: '10.9.0.0/24' };
    expect(await place.office(second)).toMatchObject({ interface: 'bvpn1', listen_port: 51_821 });
    expect((await place.call('vpn.list', {})).map(({ name }) => name)).toEqual(['lab', 'office']);
    expect(await place.call('vpn.list', { project: 'other' })).toEqual([]);
    expect((await place.call('vpn.show', { vpn: 'lab' })).id).toBe(
      (await place.call('vpn.status', { vpn: 'lab' })).service.id,
    );
  });

  test('two that are made at once are two', async () => {
    const made = await Promise.all([
      place.office(),
      place.office({ name: 'lab', endpoint: 'h:2', pool: '10.9.0.0/24' }),
    ]);
    expect(made.map((of) => of.interface).sort()).toEqual(['bvpn0', 'bvpn1']);
  });

  test.each<[string, object, string, string]>([
    ['name', {}, 'VPN_EXISTS', 'office'],
    ['port', { name: 'x', pool: '10.9.0.0/24' }, 'PORT_TAKEN', 'office'],
    ['port of the tunnels', { name: 'x', endpoint: 'h:30000', pool: '10.9.0.0/24' }, 'PORT_TAKEN', 'tunnels'],
    ['pool', { name: 'x', endpoint: 'h:2' }, 'NETWORK_OVERLAP', 'the pool of office'],
    [
      'network of the tunnels',
      { name: 'x', endpoint: 'h:2', pool: '10.255.3.0/24' },
      'NETWORK_OVERLAP',
      'tunnels',
    ],
    ['route', { name: 'x', endpoint: 'h:2', pool: '172.16.0.0/12' }, 'NETWORK_OVERLAP', 'docker0'],
    [
      'site',
      { name: 'x', endpoint: 'h:2', pool: '10.20.30.0/24' },
      'NETWORK_OVERLAP',
      'behind berlin of office',
    ],
  ])('is refused where its %s is taken, and who has it is named', async (_, rest, error, says) => {
    place.routes.push({ network: '172.17.0.0/16', interface: 'docker0' });
    await place.office();
    await add('berlin', { site_subnets: ['10.20.0.0/16'], public_key: key() });
    await expect(place.office(rest)).rejects.toEqual(code(error, says));
    expect(await place.call('vpn.list', {})).toHaveLength(1);
  });

  test.each([
    [{ pool: '10.8.0.1/24' }, 'it would be 10.8.0.0/24'],
    [{ pool: '10.8.0.0/31' }, 'from 8 to 30'],
    [{ pool6: 'fd00::/126' }, 'fewer addresses'],
    [{ local_subnets: ['10.8.0.0/28'] }, 'the pool itself'],
  ])('is refused with %j', async (rest, says) => {
    await expect(place.office(rest)).rejects.toThrow(says);
  });

  test('that cannot be brought up is not there, and both is recorded', async () => {
    place.failure = new BorealisError('WIREGUARD_MISSING');
    await expect(place.office()).rejects.toEqual(code('WIREGUARD_MISSING'));
    expect(await place.call('vpn.list', {})).toEqual([]);
    const audit = await place.store.read.selectFrom('audit').select(['action', 'result', 'actor']).execute();
    expect(audit).toEqual([
      { action: 'vpn.create', result: 'done', actor: 'ada' },
      { action: 'vpn.create', result: 'WIREGUARD_MISSING', actor: 'engine' },
    ]);
    place.failure = undefined;
    expect(await place.office()).toMatchObject({ phase: 'up' });
  });

  test('that fails says why, and is tried again', async () => {
    await place.office();
    place.failure = new BorealisError('NET_ADMIN_REQUIRED');
    await expect(add('ada', { public_key: key() })).rejects.toEqual(code('NET_ADMIN_REQUIRED'));
    expect(await place.call('vpn.show', { vpn: 'office' })).toMatchObject({
      phase: 'failed',
      reason: expect.any(String),
    });
    place.failure = undefined;
    place.clock.advance(10_000);
    await until(() => place.told.some(({ data }) => data.change === 'up'));
    expect(place.peers()).toHaveLength(1);
  });

  test('deleted is gone, with its key; the host passes on nothing more', async () => {
    await place.office();
    expect([...place.forwarding]).toEqual([4]);
    await place.call('vpn.delete', { vpn: 'office' });
    expect([place.wanted.size, place.forwarding.size]).toEqual([0, 0]);
    const secrets = await place.store.read.selectFrom('secret').select('name').execute();
    expect(secrets.filter(({ name }) => name.startsWith('vpn'))).toEqual([]);
  });

  test('is taken up by the next engine as it was', async () => {
    await place.office();
    const { public_key } = await add('ada', { public_key: key() });
    await place.restart();
    expect(place.peers()).toMatchObject([{ publicKey: public_key, allowedIps: ['10.8.0.2/32'] }]);
  });
});

test('no query of services and connections reads a whole table of connections', async () => {
  let recording: RecordingStore | undefined;
  const recorded = await VpnPlace.open((store) => {
    recording = new RecordingStore(store);
    return recording;
  });
  await recorded.services.start();
  await recorded.office();
  const vpn = 'office';
  await recorded.call('connection.add', {
    vpn,
    name: 'a',
    site_subnets: ['10.20.0.0/16'],
    allow: ['10.20.0.0/16'],
  });
  const one = { vpn, connection: 'a' };
  for (const preview of [true, false]) await recorded.call('connection.config', { ...one, preview });
  for (const name of ['connection.disable', 'connection.enable', 'connection.show'] as const)
    await recorded.call(name, one);
  await recorded.call('connection.list', { vpn });
  await recorded.call('vpn.status', { vpn });
  await recorded.call('vpn.list', { project: 'x' });
  await recorded.restart();
  await recorded.call('connection.remove', one);
  await recorded.call('vpn.delete', { vpn });
  const costly = recording?.costly(join(recorded.directory, 'borealis.db')) ?? [];
  // Services are few, and each is at work: all of them are read.
  expect(costly.filter(({ step }) => !/^SCAN vpn_service USING/.test(step))).toEqual([]);
  expect(recording?.queries).toBeGreaterThan(20);
  await recorded.close();
});

describe('addresses', () => {
  test('are given once, in turn, in both families, and never again', async () => {
    await place.office({ pool: '10.8.0.0/29', pool6: 'fd00:8::/64' });
    expect(await add('a')).toMatchObject({ address: '10.8.0.2', address6: 'fd00:8::2' });
    expect(await add('b', { address: '10.8.0.4' })).toMatchObject({ address: '10.8.0.4' });
    await place.call('connection.remove', { vpn: 'office', connection: 'a' });
    expect(await add('c')).toMatchObject({ address: '10.8.0.3' });
    await expect(add('x', { address: '10.8.0.2' })).rejects.toEqual(code('ADDRESS_TAKEN'));
    expect(await add('d')).toMatchObject({ address: '10.8.0.5' });
    expect(await add('e')).toMatchObject({ address: '10.8.0.6' });
    await expect(add('f')).rejects.toEqual(code('POOL_USED_UP', '10.8.0.0/29'));
    await place.call('connection.remove', { vpn: 'office', connection: 'e' });
    await expect(add('f')).rejects.toEqual(code('POOL_USED_UP'));
  });

  test.each(['10.8.0.0', '10.8.0.255', '10.9.0.1'])('%s is none of a client', async (address) => {
    await place.office();
    await expect(add('x', { address })).rejects.toEqual(code('INVALID_INPUT'));
  });
});

describe('keys', () => {
  test('the private one is in one answer, and nowhere else', async () => {
    await place.office();
    await add('ada', { preshared_key: true });
    const preview = await config('ada', { preview: true });
    expect(preview.private_key_shown).toBe(false);
    expect((await place.call('connection.show', { vpn: 'office', connection: 'ada' })).public_key).toBeNull();
    const { config: text, private_key_shown } = await config('ada');
    expect(private_key_shown).toBe(true);
    expect(preview.config).toHaveLength(text.length);
    const [, secret = ''] = /^PrivateKey = (.{44})$/m.exec(text) ?? [];
    const [, preshared = ''] = /^PresharedKey = (.{44})$/m.exec(text) ?? [];
    expect((await config('ada')).config).not.toContain(secret);
    expect(place.peers()).toMatchObject([{ presharedKey: preshared }]);
    const kept = ['borealis.db', 'borealis.db-wal'].map((file) => readFileSync(join(place.directory, file)));
    for (const text of [secret, preshared])
      for (const bytes of [Buffer.from(text), Buffer.from(text, 'base64')])
        expect(kept.some((file) => file.includes(bytes))).toBe(false);
    expect(JSON.stringify(place.told)).not.toContain(secret);
  });

  test('another one takes the place of the one before', async () => {
    await place.office();
    await add('ada');
    await config('ada');
    const [before] = place.peers();
    expect((await config('ada', { new_key: true })).private_key_shown).toBe(true);
    const after = place.peers();
    expect(after).toHaveLength(1);
    expect(after[0]?.publicKey).not.toBe(before?.publicKey);
  });

  test('one that the client brought is used; in one service by one connection', async () => {
    const { public_key: own } = await place.office();
    const publicKey = key();
    await add('ada', { public_key: publicKey });
    const { config: text, private_key_shown } = await config('ada');
    expect([private_key_shown, text.includes('PrivateKey = the one')]).toEqual([false, true]);
    await expect(add('bob', { public_key: publicKey })).rejects.toEqual(code('PUBLIC_KEY_TAKEN', 'ada'));
    await expect(add('bob', { public_key: own })).rejects.toEqual(code('PUBLIC_KEY_TAKEN', 'office itself'));
    await expect(add('bob', { public_key: 'x' })).rejects.toThrow();
    await place.office({ name: 'lab', endpoint: 'h:2', pool: '10.9.0.0/24' });
    await place.call('connection.add', { vpn: 'lab', name: 'ada', public_key: publicKey });
  });
});

describe('sites', () => {
  test.each<[string, string, string]>([
    ['10.8.0.128/25', 'NETWORK_OVERLAP', 'the pool of office'],
    ['10.20.30.0/24', 'NETWORK_OVERLAP', 'behind berlin of office'],
    ['192.168.0.0/16', 'NETWORK_OVERLAP', 'a local subnet of office'],
    ['10.255.0.0/24', 'NETWORK_OVERLAP', 'the network of the tunnels'],
    ['127.0.0.0/8', 'NETWORK_OVERLAP', 'for special purposes'],
    ['fe80::/64', 'NETWORK_OVERLAP', 'for special purposes'],
    ['203.0.113.0/24', 'NETWORK_OVERLAP', 'a route of this host through eth0'],
    ['0.0.0.0/0', 'INVALID_INPUT', 'no network of a site'],
  ])('%s is refused: %s, %s', async (subnet, error, says) => {
    place.routes.push({ network: '203.0.113.0/24', interface: 'eth0' });
    await place.office();
    await add('berlin', { site_subnets: ['10.20.0.0/16'], public_key: key() });
    await expect(add('x', { site_subnets: [subnet] })).rejects.toEqual(code(error, says));
  });

  test('are routed to, reached by the others, and not told the way to themselves', async () => {
    await place.office();
    await add('berlin', { site_subnets: ['10.20.0.0/16'] });
    await add('ada');
    expect((await config('ada')).config).toContain('AllowedIPs = 10.8.0.0/24, 192.168.5.0/24, 10.20.0.0/16');
    expect((await config('berlin')).config).toContain('AllowedIPs = 10.8.0.0/24, 192.168.5.0/24\n');
    expect(place.wanted.get('bvpn0')?.interfaces?.[0]?.routes).toEqual(['10.20.0.0/16']);
    expect(place.firewall()).toMatchObject({
      sites: ['10.20.0.0/16'],
      open: ['10.8.0.3/32', '10.8.0.2/32', '10.20.0.0/16'],
    });
    await place.call('connection.disable', { vpn: 'office', connection: 'berlin' });
    expect(place.firewall()).toMatchObject({ sites: [], open: ['10.8.0.3/32'] });
  });
});

describe('what a connection may reach', () => {
  const targets = () => place.firewall().restricted[0]?.targets;

  test('is what it was allowed of where the service leads', async () => {
    await place.office({ local_subnets: ['192.168.5.0/24', '10.1.0.0/16'] });
    await add('ada', { allow: ['10.0.0.0/8:443/tcp', '192.168.5.9/32'], public_key: key() });
    expect(targets()).toEqual([
      { network: '10.1.0.0/16', protocol: 'tcp', ports: { from: 443, to: 443 } },
      { network: '192.168.5.9/32', protocol: null, ports: null },
    ]);
    expect(place.firewall().open).toEqual([]);
  });

  test('other clients only where it names them', async () => {
    await place.office();
    await add('ada', { allow: ['0.0.0.0/0:22'], public_key: key() });
    expect(targets()?.map(({ network }) => network)).toEqual(['192.168.5.0/24', '192.168.5.0/24']);
    await place.call('connection.remove', { vpn: 'office', connection: 'ada' });
    await add('bob', { allow: ['10.8.0.0/24:22/tcp'], public_key: key() });
    expect(targets()).toEqual([{ network: '10.8.0.0/24', protocol: 'tcp', ports: { from: 22, to: 22 } }]);
  });

  test("is not somebody else's network", async () => {
    await place.office();
    await expect(add('ada', { allow: ['172.16.0.0/12'] })).rejects.toEqual(
      code('OUT_OF_REACH', '192.168.5.0/24'),
    );
  });
});

describe('a connection', () => {
  test('that expires is out at once, and that is told and recorded', async () => {
    await place.office();
    await add('guest', { expires_in: 60, public_key: key() });
    expect(place.peers()).toHaveLength(1);
    place.clock.advance(61_000);
    await until(() => place.told.some(({ data }) => data.change === 'expired'));
    expect([place.peers(), place.firewall().open]).toEqual([[], []]);
    expect(await place.call('connection.show', { vpn: 'office', connection: 'guest' })).toMatchObject({
      status: 'expired',
    });
    const { action, actor, target } = await place.store.read
      .selectFrom('audit')
      .selectAll()
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow();
    expect([action, actor, target]).toEqual(['connection.expire', 'engine', 'office guest']);
  });

  test('is shown with what it carried, across engines', async () => {
    await place.office();
    const publicKey = key();
    await add('ada', { public_key: publicKey });
    const handshake = Math.floor(place.clock.now() / 1000);
    place.counted.set(publicKey, {
      lastHandshake: handshake,
      endpoint: '198.51.100.7:1234',
      receivedBytes: 1_000,
      sentBytes: 500,
    });
    const show = () => place.call('connection.show', { vpn: 'office', connection: 'ada' });
    const connected = { status: 'connected', rx_bytes: 1_000, tx_bytes: 500, endpoint: '198.51.100.7:1234' };
    expect(await show()).toMatchObject(connected);
    expect(place.told.at(-1)).toMatchObject({ type: 'connection.connected', data: { connection: 'ada' } });
    place.counted.clear();
    await place.restart();
    expect(await show()).toMatchObject({ rx_bytes: 1_000, endpoint: '198.51.100.7:1234' });
    place.counted.set(publicKey, {
      lastHandshake: handshake,
      endpoint: '198.51.100.7:1234',
      receivedBytes: 10,
    });
    expect((await place.call('connection.list', { vpn: 'office' }))[0]).toMatchObject({ rx_bytes: 1_010 });
    place.clock.advance(200_000);
    expect(await show()).toMatchObject({ status: 'idle', connected_since: null });
    expect(place.told.at(-1)).toMatchObject({ type: 'connection.disconnected' });
  });

  test.each(['[fe80::5%eth0]:51820', 'nowhere', '1.2.3.400:7'])(
    'that was seen at %s is not called there, and the service is there',
    async (endpoint) => {
      await place.office();
      const publicKey = key();
      await add('ada', { public_key: publicKey });
      const lastHandshake = Math.floor(place.clock.now() / 1000);
      place.counted.set(publicKey, { lastHandshake, endpoint });
      await place.call('vpn.status', { vpn: 'office' });
      await place.restart();
      // As the wg room does it, which refuses the whole of what has such a place.
      expect(() => checkWanted(place.wanted.get('bvpn0')!)).not.toThrow();
      expect(place.peers()).toHaveLength(1);
    },
  );

  test('that is let in again is looked for where it was, for a moment', async () => {
    await place.office();
    const publicKey = key();
    await add('ada', { public_key: publicKey });
    place.counted.set(publicKey, {
      lastHandshake: Math.floor(place.clock.now() / 1000),
      endpoint: '198.51.100.7:1234',
    });
    await place.call('connection.list', { vpn: 'office' });
    await place.call('connection.disable', { vpn: 'office', connection: 'ada' });
    expect(place.peers()).toEqual([]);
    await place.call('connection.enable', { vpn: 'office', connection: 'ada' });
    expect(place.peers()).toMatchObject([{ endpoint: '198.51.100.7:1234', persistentKeepalive: 25 }]);
    await until(() => place.peers()[0]?.persistentKeepalive === 0);
  });

  test('that there is none of is said so', async () => {
    await place.office();
    await expect(place.call('connection.show', { vpn: 'office', connection: 'x' })).rejects.toEqual(
      code('CONNECTION_NOT_FOUND'),
    );
    await expect(place.call('connection.list', { vpn: 'x' })).rejects.toEqual(code('VPN_NOT_FOUND'));
    await add('ada');
    await expect(add('ada')).rejects.toEqual(code('CONNECTION_EXISTS'));
  });
});

describe('projects', () => {
  const operator = {
    user: 'bob',
    role: 'viewer' as const,
    limited: true,
    projects: new Map([['lab', 'operator' as const]]),
  };
  beforeEach(async () => {
    await place.office();
    await place.office({ name: 'lab', project: 'lab', endpoint: 'h:2', pool: '10.9.0.0/24' });
  });

  test('who has a role in one does there what that role may, and no more', async () => {
    await place.call('connection.add', { vpn: 'lab', name: 'x' }, operator);
    expect(await place.call('connection.list', { vpn: 'lab' }, operator)).toHaveLength(1);
    const pool = { name: 'y', project: 'lab', endpoint: 'h:3', pool: '10.7.0.0/24' };
    await expect(place.call('vpn.create', pool, operator)).rejects.toEqual(code('NOT_PERMITTED', 'admin'));
    await expect(place.call('vpn.delete', { vpn: 'lab' }, operator)).rejects.toEqual(code('NOT_PERMITTED'));
  });

  test('and nothing in another one, by name or by id', async () => {
    const { id } = await place.call('vpn.show', { vpn: 'office' });
    await place.call('connection.add', { vpn: 'office', name: 'ada' });
    for (const vpn of ['office', id]) {
      const connection = { vpn, connection: 'ada' };
      for (const name of ['vpn.show', 'vpn.status', 'vpn.delete', 'connection.list'] as const)
        await expect(place.call(name, { vpn }, operator), name).rejects.toEqual(
          code('NOT_PERMITTED', 'default'),
        );
      for (const name of [
        ...(['connection.show', 'connection.config', 'connection.qr', 'connection.change'] as const),
        ...(['connection.enable', 'connection.disable', 'connection.remove'] as const),
      ])
        await expect(place.call(name, connection, operator), name).rejects.toEqual(
          code('NOT_PERMITTED', 'default'),
        );
      await expect(place.call('connection.add', { vpn, name: 'x' }, operator)).rejects.toEqual(
        code('NOT_PERMITTED'),
      );
    }
    expect((await place.call('vpn.list', {}, operator)).map(({ name }) => name)).toEqual(['lab']);
    await expect(place.call('vpn.list', { project: 'default' }, operator)).rejects.toEqual(
      code('NOT_PERMITTED'),
    );
  });

  test('a role in the whole engine holds in each', async () => {
    const viewer = { role: 'viewer' as const };
    expect(await place.call('vpn.list', {}, viewer)).toHaveLength(2);
    await expect(place.call('connection.add', { vpn: 'lab', name: 'x' }, viewer)).rejects.toEqual(
      code('NOT_PERMITTED'),
    );
    const both = { ...viewer, projects: new Map([['lab', 'operator' as const]]) };
    expect(await place.call('connection.add', { vpn: 'lab', name: 'x' }, both)).toMatchObject({ name: 'x' });
    await expect(place.call('connection.add', { vpn: 'office', name: 'x' }, both)).rejects.toEqual(
      code('NOT_PERMITTED'),
    );
  });
});
