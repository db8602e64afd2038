/** Services on devices, as the engine has them: what it tells, whom, and whom it believes. Words are opened as agents do. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { amended, type Kept, keptOf } from '../../../src/agent/bastion/amended.ts';
import { Parts, verifyBastion } from '../../../src/agent/bastion/word.ts';
import { nodeEd25519 } from '../../../src/crypto/ed25519.ts';
import { digestText, serviceDigest } from '../../../src/crypto/service-digest.ts';
import type { AgentChannel } from '../../../src/daemon/channel/agent-channel.ts';
import type { FrameOf } from '../../../src/daemon/channel/consumer.ts';
import { leavesHost } from '../../../src/daemon/vpn/left-here.ts';
import { passOverRevisions } from '../../../src/daemon/vpn/restored.ts';
import type { BastionClaims, HostedHa, HostedService } from '../../../src/protocol/bastion.ts';
import type { ToAgent } from '../../../src/protocol/frame.ts';
import { generateKeyPair, publicKeyOf } from '../../../src/wg/keys.ts';
import { deviceRow } from '../../store/rows.ts';
import { until } from '../agents.ts';
import { VpnPlace } from './place.ts';

const NORTH = '11111111-1111-4111-8111-111111111111';
const SOUTH = '22222222-2222-4222-8222-222222222222';
const code = (value: string) => expect.objectContaining({ code: value });
const key = () => generateKeyPair().publicKey;

/** An agent that does as it is told, and says so. */
class Device {
  readonly guid: string;
  readonly place: VpnPlace;
  readonly heard: BastionClaims[] = [];
  readonly #parts = new Parts();
  #kept: Kept | undefined;
  /** It knows of no changes: an agent of before. */
  isOld = false;
  /** What it answers each hold with, where that is not that it is up. */
  fails: string | undefined;
  silent = false;

  constructor(place: VpnPlace, guid: string) {
    this.place = place;
    this.guid = guid;
  }

  get hosted(): HostedService | undefined {
    return this.#kept?.service;
  }

  set hosted(service: HostedService | undefined) {
    this.#kept = service && keptOf(service, this.revision);
  }

  get revision(): number {
    return this.#kept?.revision ?? 0;
  }

  set revision(revision: number) {
    if (this.#kept) this.#kept = { ...this.#kept, revision };
  }

  get channel(): AgentChannel {
    return {
      guid: this.guid,
      context: 'system',
      name: 'a device',
      address: '192.0.2.1',
      hostsServices: true,
      wireguardKey: null,
      send: (frame: ToAgent) => this.#told(frame),
    } as unknown as AgentChannel;
  }

  connect(rest: { readonly hostsServices?: boolean } = {}): void {
    const channel = Object.assign(this.channel, rest);
    this.place.channels.set(this.guid, channel);
    this.place.bastions.consumer.onReady?.(channel);
    if (this.hosted) this.say(this.hosted.id);
  }

  leave(): void {
    this.place.channels.delete(this.guid);
    this.place.bastions.consumer.onClosed?.(this.channel, 'left');
  }

  say(service: string, rest: Partial<FrameOf<'BASTION_STATE'>> = {}): void {
    this.place.bastions.consumer.frames?.BASTION_STATE?.(this.channel, {
      type: 'BASTION_STATE',
      service,
      revision: this.revision,
      state: 'up',
      error_code: null,
      error: null,
      ha: null,
      ...(this.#kept && !this.isOld && { digest: digestText(this.#kept.digest) }),
      ...rest,
    });
  }

  sayPeers(service: string, ...peers: FrameOf<'BASTION_PEERS'>['peers']): void {
    this.place.bastions.consumer.frames?.BASTION_PEERS?.(this.channel, {
      type: 'BASTION_PEERS',
      service,
      peers,
    });
  }

  get peers(): readonly unknown[] {
    return (this.hosted?.network.interfaces[0]?.peers as readonly unknown[] | undefined) ?? [];
  }

  actions(): string[] {
    return this.heard.map(({ action }) => action);
  }

  #told(frame: ToAgent): boolean {
    if (frame.type !== 'BASTION') return true;
    const { publicKey: signingKey, keyId: signingKeyId } = this.place.keys.signingKey();
    const trust = { guid: this.guid, context: 'system' as const, signingKey, signingKeyId, ed: nodeEd25519 };
    const claims = verifyBastion(frame.envelope, trust, this.place.clock.now());
    this.heard.push(claims);
    if (this.silent) return true;
    queueMicrotask(() => this.#obey(claims));
    return true;
  }

  #obey(claims: BastionClaims): void {
    if (claims.action === 'drop') {
      this.hosted = undefined;
      this.say(claims.service, { state: 'gone', revision: 0 });
    } else if (claims.action === 'hold') {
      if (this.fails !== undefined) {
        this.say(claims.service, { state: 'failed', error_code: this.fails, error: 'it is so.' });
        return;
      }
      const service = this.#parts.add(claims);
      if (service) this.#kept = keptOf(service, claims.revision);
      this.say(claims.service);
    } else if (claims.action === 'amend') {
      const after = this.#kept && amended(this.#kept, claims);
      this.#kept = after ?? this.#kept;
      this.say(claims.service, after ? {} : { wants_whole: true });
    }
  }
}

let place: VpnPlace;
let north: Device;
let south: Device;
const on = (node: string) => place.office({ node });
const show = () => place.call('vpn.show', { vpn: 'office' });
const add = (name: string, public_key = key()) =>
  place.call('connection.add', { vpn: 'office', name, public_key });

beforeEach(async () => {
  place = await VpnPlace.open();
  await place.store.write(async ({ db }) => {
    for (const [guid, name] of [
      [NORTH, 'north'],
      [SOUTH, 'south'],
    ] as const)
      await db.insertInto('device').values(deviceRow({ guid, name })).execute();
  });
  await place.services.start();
  north = new Device(place, NORTH);
  south = new Device(place, SOUTH);
  north.connect();
  south.connect();
});
afterEach(() => place.close());

describe('a service on a device', () => {
  test('is told to that device alone, whole and signed; nothing of it is on this host', async () => {
    expect(await on('north')).toMatchObject({ node: 'north', phase: 'up', reason: null });
    expect([north.actions(), south.actions()]).toEqual([['hold'], []]);
    const [of] = north.hosted?.network.interfaces ?? [];
    expect(publicKeyOf(of?.privateKey ?? '')).toBe((await show()).public_key);
    expect(north.hosted).toMatchObject({ name: 'office', families: [4], ha: null });
    expect([place.wanted.size, place.forwarding.size]).toEqual([0, 0]);
  });

  test.each([
    ['nowhere', 'DEVICE_NOT_FOUND', () => undefined],
    ['north', 'DEVICE_OFFLINE', () => north.leave()],
    ['north', 'BASTION_UNSUPPORTED', () => north.connect({ hostsServices: false })],
    [
      'north',
      'DEVICE_STATE_CONFLICT',
      () =>
        place.store.write(({ db }) =>
          db.updateTable('device').set({ state: 'quarantined' }).where('guid', '=', NORTH).execute(),
        ),
    ],
  ])('is not made on %s: %s', async (node, expected, arrange) => {
    await arrange();
    await expect(on(node)).rejects.toEqual(code(expected));
    expect(await place.call('vpn.list', {})).toEqual([]);
    expect(north.heard).toEqual([]);
  });

  test('is not made by who has a part of the engine alone: devices belong to all of it', async () => {
    const projects = new Map([['default', 'admin' as const]]);
    const by = { user: 'eve', role: 'viewer' as const, limited: true, projects };
    const made = place.call(
      'vpn.create',
      { name: 'office', endpoint: 'vpn.example.org:51820', pool: '10.8.0.0/24', node: 'north' },
      by,
    );
    await expect(made).rejects.toEqual(code('NOT_PERMITTED'));
    expect(north.heard).toEqual([]);
  });

  test('takes no network that the device is in already, for its pool or a site, and names it', async () => {
    const lan = { name: 'eth0', mac: null, addresses: ['192.168.9.2/24', 'fe80::2/64', '192.168.9.10'] };
    const own = { name: 'bvpn0', mac: null, addresses: ['10.8.0.1/24'] };
    const routes = [
      { network: '10.8.0.0/24', interface: 'bvpn0' },
      { network: '10.50.0.0/16', interface: 'eth0' },
      { network: '10.60.0.0/16', interface: null },
    ];
    await place.store.write(({ db }) =>
      db
        .insertInto('inventory')
        .values({
          guid: NORTH,
          collected_at: 0,
          document_json: JSON.stringify({ interfaces: [lan, own], routes }),
        })
        .execute(),
    );
    const clash = (what: string) =>
      expect.objectContaining({ code: 'NETWORK_OVERLAP', message: expect.stringContaining(what) });
    const refused = clash('192.168.9.0/24, which is a network of north, at eth0');
    const routed = clash('10.50.0.0/16, which is a route of north through eth0');
    const nowhere = clash('10.60.0.0/16, which is a route of north.');
    await expect(place.office({ node: 'north', pool: '10.50.7.0/24' })).rejects.toEqual(routed);
    await expect(place.office({ node: 'north', pool: '10.60.7.0/24' })).rejects.toEqual(nowhere);
    await expect(place.office({ node: 'north', pool: '192.168.8.0/22' })).rejects.toEqual(refused);
    await on('north');
    const site = (site_subnets: string[]) =>
      place.call('connection.add', { vpn: 'office', name: 'berlin', public_key: key(), site_subnets });
    await expect(site(['192.168.9.128/25'])).rejects.toEqual(refused);
    await expect(site(['10.50.0.0/16'])).rejects.toEqual(routed);
    await expect(site(['10.48.0.0/12'])).rejects.toEqual(routed);
    expect(await site(['192.168.10.0/24'])).toMatchObject({ site_subnets: ['192.168.10.0/24'] });
  });

  test('that the device cannot bring up is not there, and the device is told so', async () => {
    north.fails = 'FORWARDING_OFF';
    await expect(on('north')).rejects.toEqual(code('FORWARDING_OFF'));
    expect(await place.call('vpn.list', {})).toEqual([]);
    expect(north.actions()).toEqual(['hold', 'drop']);
  });

  test('changes there with each change here, under a higher revision, and is in force when it is answered', async () => {
    await on('north');
    await add('ada');
    expect(north.peers).toHaveLength(1);
    await place.call('connection.disable', { vpn: 'office', connection: 'ada' });
    expect(north.peers).toHaveLength(0);
    await place.call('connection.enable', { vpn: 'office', connection: 'ada' });
    expect(north.peers).toHaveLength(1);
    expect(north.actions()).toEqual(['hold', 'amend', 'amend', 'amend']);
    const revisions = north.heard.map((word) =>
      word.action === 'hold' ? word.revision : word.action === 'amend' ? word.to.revision : 0,
    );
    expect(revisions).toEqual([1, 2, 3, 4]);
  });

  test('is told what a few connections change alone, and that is what the whole would be', async () => {
    await place.office({ node: 'north', pool6: 'fd00:8::/64' });
    const { id } = await show();
    const on = (connection: string) => ({ vpn: 'office', connection });
    const more = (name: string, rest: object) =>
      place.call('connection.add', { vpn: 'office', name, public_key: key(), ...rest });
    const changes: readonly [string, () => Promise<unknown>, told: string[]][] = [
      ['a client', () => more('ada', {}), ['amend']],
      ['one without a key', () => place.call('connection.add', { vpn: 'office', name: 'cleo' }), []],
      ['its key', () => place.call('connection.config', on('cleo')), ['amend']],
      [
        'one with rules and a secret',
        () => more('dora', { allow: ['192.168.5.0/24:443/tcp'], preshared_key: true }),
        ['amend'],
      ],
      ['other rules', () => place.call('connection.change', { ...on('dora'), allow: [] }), ['amend']],
      ['a date', () => place.call('connection.change', { ...on('dora'), expires_in: 9_999 }), ['amend']],
      ['many at once', () => Promise.all([1, 2, 3, 4].map((at) => more(`c${at}`, {}))), ['amend']],
      ['one that is out', () => place.call('connection.disable', on('c1')), ['amend']],
      ['a site', () => more('berlin', { site_subnets: ['10.20.0.0/16'] }), ['hold']],
      [
        'rules of it',
        () => place.call('connection.change', { ...on('c2'), allow: ['10.20.1.0/24'] }),
        ['amend'],
      ],
      ['one that is no more', () => place.call('connection.remove', on('dora')), ['amend']],
    ];
    for (const [what, change, told] of changes) {
      const before = north.heard.length;
      await change();
      expect([what, [...new Set(north.actions().slice(before))]]).toEqual([what, told]);
      const { revision } = north;
      const digest = serviceDigest(north.hosted!);
      // As a device that has lost all of it is told.
      north.leave();
      north.hosted = undefined;
      north.connect();
      north.say(id, { state: 'gone', revision: 0 });
      await until(() => north.hosted !== undefined);
      expect([what, north.revision, serviceDigest(north.hosted!)]).toEqual([what, revision, digest]);
    }
  });

  test('is told the whole where the device knows of no changes, or has something else', async () => {
    north.isOld = true;
    await on('north');
    await add('ada');
    expect(north.actions()).toEqual(['hold', 'hold']);
    north.isOld = false;
    north.leave();
    // The same revision of another content: a disk has forgotten something.
    const service = north.hosted!;
    const { revision } = north;
    north.hosted = { ...service, name: 'other' };
    north.revision = revision;
    north.connect();
    await add('ben');
    expect([north.actions().at(-1), north.peers.length]).toEqual(['hold', 2]);
    // It has forgotten it after it said so.
    north.hosted = { ...north.hosted!, name: 'other' };
    await add('cleo');
    expect(north.actions().slice(-2)).toEqual(['amend', 'hold']);
    expect(north.peers).toHaveLength(3);
    await add('dora');
    expect(north.actions().at(-1)).toBe('amend');
    expect(north.peers).toHaveLength(4);
  });

  test('an engine that has begun anew tells a change alone to a device that has all before it', async () => {
    await on('north');
    await add('ada');
    north.leave();
    await place.restart();
    north.connect();
    await add('ben');
    expect(north.actions()).toEqual(['hold', 'amend', 'amend']);
    expect([north.peers.length, north.revision]).toEqual([2, 3]);
  });

  test('a connection that expires is out there', async () => {
    await on('north');
    await place.call('connection.add', { vpn: 'office', name: 'ada', public_key: key(), expires_in: 60 });
    expect(north.peers).toHaveLength(1);
    place.clock.advance(61_000);
    await until(() => north.peers.length === 0);
  });

  test('what cannot be told is kept, said so plainly, and told when the device is back', async () => {
    await on('north');
    await add('ada');
    north.leave();
    await place.call('connection.disable', { vpn: 'office', connection: 'ada' });
    expect(await show()).toMatchObject({ phase: 'waiting', reason: expect.stringContaining('north is not') });
    expect(north.peers).toHaveLength(1);
    north.connect();
    await until(() => north.peers.length === 0);
    expect(await show()).toMatchObject({ phase: 'up', reason: null });
  });

  test('is not told again to a device that has it, by this engine or the next', async () => {
    await on('north');
    north.leave();
    north.connect();
    north.leave();
    await place.restart();
    north.connect();
    await show();
    expect(north.actions()).toEqual(['hold']);
    expect(await show()).toMatchObject({ phase: 'up' });
  });

  test('is told to a device that says nothing of it within a second', async () => {
    await on('north');
    north.leave();
    north.hosted = undefined;
    north.connect();
    expect(north.actions()).toEqual(['hold']);
    place.clock.advance(2_000);
    place.bastions.consumer.onTick?.(place.clock.monotonic());
    await until(() => north.hosted !== undefined);
  });

  test('an engine whose store was restored goes on from what the device has', async () => {
    await on('north');
    north.leave();
    north.revision = 70;
    north.connect();
    await until(() => north.revision === 71);
    expect(await show()).toMatchObject({ phase: 'up' });
  });

  test('a device is told anew where another store was put in place, though its revision is the same', async () => {
    await on('north');
    const { revision } = await place.store.read
      .selectFrom('vpn_service')
      .select('revision')
      .executeTakeFirstOrThrow();
    await add('ada');
    expect(north.revision).toBe(revision + 1);
    north.leave();
    // As it was before ada was there; then somebody else is made.
    await place.store.write(async ({ db }) => {
      await db.deleteFrom('vpn_connection').execute();
      await db.updateTable('vpn_service').set({ revision, told: 'of then' }).execute();
    });
    await passOverRevisions(place.store);
    await place.restart();
    north.connect();
    await until(() => north.peers.length === 0);
    expect(north.revision).toBeGreaterThan(revision + 1);
    expect(await show()).toMatchObject({ phase: 'up', reason: null });
  });

  test('a device that fails later is told of once, and when it is over too', async () => {
    await on('north');
    const { id } = await show();
    for (const _ of [1, 2])
      north.say(id, { state: 'failed', error_code: 'WG_ROUTE_TAKEN', error: 'a route.' });
    expect(await show()).toMatchObject({ phase: 'failed', reason: expect.stringContaining('north says') });
    north.say(id);
    await until(() => place.told.some(({ data }) => data.change === 'up'));
    expect(place.told.filter(({ data }) => data.change === 'failed')).toHaveLength(1);
  });

  test('deleted, it is taken from the device; from one that was away when that is back', async () => {
    await on('north');
    expect(await place.call('vpn.delete', { vpn: 'office' })).toEqual({ untold: [] });
    expect([north.hosted, north.actions().at(-1)]).toEqual([undefined, 'drop']);
    await on('north');
    north.leave();
    expect(await place.call('vpn.delete', { vpn: 'office' })).toEqual({ untold: ['north'] });
    expect(north.hosted).toBeDefined();
    north.connect();
    await until(() => north.hosted === undefined);
  });

  test('an engine that ends takes nothing from its devices', async () => {
    await on('north');
    await place.services.close();
    expect(north.actions()).toEqual(['hold']);
    await place.restart();
  });

  test('a device that is there before the engine knows its services is told nothing', async () => {
    await on('north');
    const { id } = await show();
    await place.services.close();
    north.say(id);
    expect(north.actions()).toEqual(['hold']);
    await place.restart();
  });
});

describe('another device', () => {
  test('that says it runs the service is told to drop it, and is not believed', async () => {
    await on('north');
    const { id } = await show();
    north.leave();
    south.say(id, { revision: 1 });
    await until(() => south.actions().includes('drop'));
    expect(await show()).toMatchObject({ node: 'north', phase: 'waiting' });
    south.say(id, { state: 'failed', error_code: 'INTERNAL', error: 'x' });
    expect(await show()).toMatchObject({ phase: 'waiting' });
  });

  test('cannot say who is connected to it', async () => {
    await on('north');
    const { public_key } = await add('ada');
    const { id } = await show();
    const peer = {
      public_key: public_key as string,
      endpoint: '203.0.113.9:7',
      last_handshake: Math.floor(place.clock.now() / 1000),
      received: 500,
      sent: 700,
    };
    south.sayPeers(id, peer);
    const ada = { vpn: 'office', connection: 'ada' };
    expect(await place.call('connection.show', ada)).toMatchObject({ status: 'new', rx_bytes: 0 });
    north.sayPeers(id, peer);
    expect(await place.call('connection.show', ada)).toMatchObject({
      status: 'connected',
      rx_bytes: 500,
      tx_bytes: 700,
      endpoint: '203.0.113.9:7',
    });
  });
});

test('handshakes of the future, and peers that nobody knows, are not believed', async () => {
  await on('north');
  const { public_key } = await add('ada');
  const { id } = await show();
  const now = Math.floor(place.clock.now() / 1000);
  const rest = { endpoint: null, last_handshake: now + 1_000_000, received: 1, sent: 1 };
  north.sayPeers(id, { ...rest, public_key: public_key as string }, { ...rest, public_key: key() });
  const shown = await place.call('connection.show', { vpn: 'office', connection: 'ada' });
  expect(Date.parse(shown.last_handshake ?? '')).toBeLessThanOrEqual(place.clock.now() + 1_000);
});

describe('a pair', () => {
  const ha = (self: string, other: string): HostedHa => ({
    address: '192.0.2.10/24',
    interface: null,
    self,
    other,
    other_endpoint: null,
    port: 7_000,
    key: Buffer.alloc(32, 7).toString('base64url'),
    preferred: self === NORTH,
    lease: { promise: 2_400, renew: 400, drift: 0.001, kernelLate: 200 },
    driver: 'own',
    hook: null,
    router_id: 51,
  });

  test('has the same service on both, each with its own part, behind the floating address', async () => {
    const { id } = await on('north');
    const row = await place.services.find('office');
    place.pairs.set(id, [
      { guid: NORTH, ha: ha(NORTH, SOUTH) },
      { guid: SOUTH, ha: ha(SOUTH, NORTH) },
    ]);
    await place.bastions.changed(row);
    expect([north.hosted?.ha?.self, south.hosted?.ha?.self]).toEqual([NORTH, SOUTH]);
    for (const { hosted } of [north, south])
      expect(hosted?.network.firewall.floating).toEqual({ address: '192.0.2.10', port: 51_820 });
    expect([north.revision, south.revision]).toEqual([2, 2]);
    expect(place.bastions.giveAway(NORTH, id, 'now')).toBe(true);
    expect(north.actions().at(-1)).toBe('switch');

    // What one has counted and what the other has are one connection's.
    const { public_key } = await add('ada');
    expect([north.actions().at(-1), south.actions().at(-1)]).toEqual(['amend', 'amend']);
    expect([north.peers.length, south.peers.length]).toEqual([1, 1]);
    // One of the two that is away does not keep the other one from being told of it alone; it is told all when it is back.
    south.leave();
    await add('ben');
    expect([north.actions().at(-1), south.peers.length]).toEqual(['amend', 1]);
    south.connect();
    await until(() => south.peers.length === 2);
    expect([south.actions().at(-1), south.revision]).toEqual(['hold', north.revision]);
    const peer = { public_key: public_key as string, endpoint: null, last_handshake: null };
    const said = (device: Device, received: number) => device.sayPeers(id, { ...peer, received, sent: 0 });
    const total = async () =>
      (await place.call('connection.show', { vpn: 'office', connection: 'ada' })).rx_bytes;
    said(north, 0);
    said(south, 0);
    await total();
    said(north, 100);
    expect(await total()).toBe(100);
    said(south, 50);
    expect(await total()).toBe(150);

    place.pairs.delete(id);
    await place.bastions.changed(row);
    expect([north.hosted?.ha, south.hosted]).toEqual([null, undefined]);
  });

  test('that is taken apart while both are away: who goes on is said until it has heard, after a restart too', async () => {
    const { id } = await on('north');
    const row = await place.services.find('office');
    const both = [
      { guid: NORTH, ha: ha(NORTH, SOUTH) },
      { guid: SOUTH, ha: ha(SOUTH, NORTH) },
    ];
    place.pairs.set(id, both);
    await place.bastions.changed(row);
    north.leave();
    south.leave();
    place.pairs.delete(id);
    await place.bastions.changed(row);
    expect(await place.bastions.untold(id)).toEqual(['north', 'south']);
    const waiting = {
      phase: 'waiting',
      reason: expect.stringContaining('with 192.0.2.10/24 where it has it'),
    };
    expect(await show()).toMatchObject(waiting);
    await place.restart();
    expect(await show()).toMatchObject(waiting);
    expect(await place.bastions.untold(id)).toEqual(['north', 'south']);
    north.connect();
    await until(() => north.hosted?.ha === null);
    expect(await place.bastions.untold(id)).toEqual(['south']);
    expect(await show()).toMatchObject(waiting);
    south.connect();
    await until(() => south.hosted === undefined);
    await until(async () => (await show()).phase === 'up');
    expect([(await show()).reason, await place.bastions.untold(id)]).toEqual([null, []]);

    // One that has lost all of it meanwhile is asked too, and one that is in a pair again is none of them.
    place.pairs.set(id, both);
    await place.bastions.changed(row);
    south.leave();
    place.pairs.delete(id);
    await place.bastions.changed(row);
    expect(await place.bastions.untold(id)).toEqual(['south']);
    south.hosted = undefined;
    south.connect();
    await until(async () => (await place.bastions.untold(id)).length === 0);
    place.pairs.set(id, both);
    await place.bastions.changed(row);
    south.leave();
    place.pairs.delete(id);
    await place.bastions.changed(row);
    place.pairs.set(id, both);
    await place.bastions.changed(row);
    expect((await show()).reason).toMatch(/^south is not connected: it goes on as it was told last/);
    south.connect();
    await until(async () => (await show()).phase === 'up');
  });

  test('takes a service from this host, and gives it back', async () => {
    const { id } = await place.office();
    expect(place.wanted.size).toBe(1);
    const row = await place.services.find('office');
    place.pairs.set(id, [{ guid: NORTH, ha: ha(NORTH, SOUTH) }]);
    await place.bastions.changed(row);
    expect([place.wanted.size, north.hosted?.id]).toEqual([0, id]);
    place.pairs.delete(id);
    await place.bastions.changed(row);
    expect([place.wanted.size, north.hosted]).toEqual([1, undefined]);
    expect(await show()).toMatchObject({ node: 'engine', phase: 'up' });
    // While it is away it goes on with it beside this host.
    place.pairs.set(id, [{ guid: NORTH, ha: ha(NORTH, SOUTH) }]);
    await place.bastions.changed(row);
    north.leave();
    place.pairs.delete(id);
    await place.bastions.changed(row);
    expect(await show()).toMatchObject({ node: 'engine', phase: 'waiting' });
    expect(await place.call('vpn.delete', { vpn: 'office' })).toEqual({ untold: ['north'] });
    north.connect();
    await until(() => north.hosted === undefined);
  });

  test('that two say has changed, at once, goes to its devices once, and is dropped by none', async () => {
    const { id } = await place.office();
    const row = await place.services.find('office');
    place.pairs.set(id, [{ guid: NORTH, ha: ha(NORTH, SOUTH) }]);
    await Promise.all([
      place.bastions.changed(row),
      place.bastions.changed(row),
      place.bastions.changed(row),
    ]);
    expect([north.actions(), north.hosted?.id]).toEqual([['hold'], id]);
    place.pairs.delete(id);
    const torn = place.tornDown.length;
    await Promise.all([place.bastions.changed(row), place.bastions.changed(row)]);
    expect([north.actions(), place.wanted.size, place.tornDown.length]).toEqual([['hold', 'drop'], 1, torn]);
    // The one that is there is the one that is kept.
    await add('ada');
    expect(place.peers()).toHaveLength(1);
  });

  test('that is deleted while it goes to its devices is nowhere in the end', async () => {
    const { id } = await place.office();
    const row = await place.services.find('office');
    place.pairs.set(id, [{ guid: NORTH, ha: ha(NORTH, SOUTH) }]);
    await Promise.all([place.bastions.changed(row), place.call('vpn.delete', { vpn: 'office' })]);
    await until(() => north.hosted === undefined);
    expect([place.wanted.size, place.services.all, place.deleted]).toEqual([0, [], [id]]);
    await Promise.all([place.call('vpn.list', {}), place.bastions.changed(row)]);
    expect([place.wanted.size, north.hosted]).toEqual([0, undefined]);
  });

  test('of which this host has something still, where the engine was killed when it went to its devices, is here no more', async () => {
    const { id } = await place.office();
    const row = await place.services.find('office');
    const here = place.wanted.get('bvpn0')!;
    await place.services.close();
    await place.store.write((tx) => leavesHost(tx, row));
    place.pairs.set(id, [{ guid: NORTH, ha: ha(NORTH, SOUTH) }]);
    // As an engine leaves it that is killed.
    place.wanted.set('bvpn0', here);
    place.forwarding.add(4);
    await place.restart();
    expect([place.wanted.size, place.forwarding.size, north.hosted?.id]).toEqual([0, 0, id]);
    // Once: an agent of this host may have it now.
    place.wanted.set('bvpn0', here);
    await place.restart();
    expect(place.wanted.size).toBe(1);
  });

  test('and did not go there after all is left alone by the next engine', async () => {
    await place.office();
    const row = await place.services.find('office');
    await place.store.write((tx) => leavesHost(tx, row));
    const torn = place.tornDown.length;
    await place.restart();
    expect([place.wanted.size, place.tornDown.length]).toEqual([1, torn + 1]); // by the end of the one before
  });
});
