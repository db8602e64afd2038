/** One connection of many is changed alone: what is in force then is what a look at all of them would have made. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BorealisError } from '../../../src/protocol/errors.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { until } from '../agents.ts';
import { VpnPlace } from './place.ts';

let place: VpnPlace;
beforeEach(async () => {
  place = await VpnPlace.open();
  await place.services.start();
  await place.office({ pool6: 'fd00:8::/64' });
});
afterEach(() => place.close());

const key = () => generateKeyPair().publicKey;
const add = (name: string, rest: object = {}) =>
  place.call('connection.add', { vpn: 'office', name, ...rest });
const on = (connection: string) => ({ vpn: 'office', connection });

const texts = (list: readonly unknown[] = []): string[] => list.map((one) => JSON.stringify(one)).sort();
const inForce = () => {
  const firewall = place.firewall();
  return {
    peers: texts(place.peers()),
    firewall: { ...firewall, open: texts(firewall.open), restricted: texts(firewall.restricted) },
    routes: place.wanted.get('bvpn0')?.interfaces?.[0]?.routes,
  };
};
const whole = async () => {
  const before = place.amendments;
  await place.services.end(await place.services.find('office')).apply();
  expect(place.amendments).toBe(before);
  return inForce();
};

const CHANGES: readonly [string, () => Promise<unknown>, alone: boolean][] = [
  ['another client', () => add('ben', { public_key: key() }), true],
  ['a client without a key', () => add('cleo'), true],
  ['its key', () => place.call('connection.config', on('cleo')), true],
  ['another key', () => place.call('connection.config', { ...on('cleo'), new_key: true }), true],
  [
    'one with rules and a pre-shared key',
    () => add('dora', { public_key: key(), allow: ['192.168.5.0/24:443/tcp'], preshared_key: true }),
    true,
  ],
  ['other rules', () => place.call('connection.change', { ...on('dora'), allow: ['192.168.5.7/32'] }), true],
  ['no rules', () => place.call('connection.change', { ...on('dora'), allow: [] }), true],
  ['a site', () => add('berlin', { public_key: key(), site_subnets: ['10.20.0.0/16'] }), false],
  [
    'rules of a site',
    () => place.call('connection.change', { ...on('dora'), allow: ['10.20.1.0/24'] }),
    true,
  ],
  ['a client that is out', () => place.call('connection.disable', on('ben')), true],
  ['and back', () => place.call('connection.enable', on('ben')), true],
  ['an expiry', () => place.call('connection.change', { ...on('ben'), expires_in: 60 }), true],
  ['a site that is out', () => place.call('connection.disable', on('berlin')), false],
  ['a client that is no more', () => place.call('connection.remove', on('ben')), true],
  ['a site that is no more', () => place.call('connection.remove', on('berlin')), false],
];

test('each change alone makes what all of it would be', async () => {
  await add('ada', { public_key: key() });
  for (const [what, change, alone] of CHANGES) {
    await whole();
    const before = place.amendments;
    await change();
    expect([what, place.amendments - before]).toEqual([what, alone ? 1 : 0]);
    const there = inForce();
    expect([what, there]).toEqual([what, await whole()]);
  }
});

test('many at once are one change, and nobody is forgotten', async () => {
  await add('ada', { public_key: key() });
  const keys = Array.from({ length: 20 }, key);
  await Promise.all(keys.map((public_key, index) => add(`c${index}`, { public_key })));
  expect(place.peers().map(({ publicKey }) => publicKey)).toEqual(expect.arrayContaining(keys));
  expect(inForce()).toEqual(await whole());
});

test('what cannot be changed alone is changed with all the rest, and then told where it fails too', async () => {
  await add('ada', { public_key: key() });
  place.failure = new BorealisError('COMMAND_FAILED', { detail: 'no such table' });
  await expect(add('ben', { public_key: key() })).rejects.toMatchObject({ code: 'COMMAND_FAILED' });
  place.failure = undefined;
  await add('cleo', { public_key: key() });
  expect(place.peers()).toHaveLength(3);
  expect((await place.call('vpn.show', { vpn: 'office' })).phase).toBe('up');
});

test('what was changed alone is followed by a look at all of it', async () => {
  await add('ada', { public_key: key() });
  await add('ben', { public_key: key() });
  // Somebody else's hand, which a change of one does not see.
  const there = place.wanted.get('bvpn0')!;
  place.wanted.set('bvpn0', { ...there, firewall: { ...place.firewall(), masquerade: true } });
  await add('cleo', { public_key: key() });
  expect(place.firewall().masquerade).toBe(true);
  place.clock.advance(5_000);
  await until(() => !place.firewall().masquerade);
  expect(place.peers()).toHaveLength(3);
});
