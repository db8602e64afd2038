/** Services and connections where two ask at once, or something fails in the middle. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { Store } from '../../../src/store/store.ts';
import { generateKeyPair } from '../../../src/wg/keys.ts';
import { until } from '../agents.ts';
import { VpnPlace } from './place.ts';

let place: VpnPlace;
/** What the next changes of the store fail with. */
let full: Error | undefined;
beforeEach(async () => {
  full = undefined;
  place = await VpnPlace.open((store): Store => {
    const write: Store['write'] = (work) => (full ? Promise.reject(full) : store.write(work));
    return new Proxy(store, {
      get: (of, name) => {
        if (name === 'write') return write;
        const value: unknown = Reflect.get(of, name, of);
        return typeof value === 'function' ? value.bind(of) : value;
      },
    });
  });
  await place.services.start();
  await place.office();
});
afterEach(async () => {
  full = undefined;
  await place.close();
});

const key = () => generateKeyPair().publicKey;
const add = (name: string, rest: object = {}) =>
  place.call('connection.add', { vpn: 'office', name, ...rest });
const ask = (operation: 'connection.disable' | 'connection.remove' | 'connection.show', connection: string) =>
  place.call(operation, { vpn: 'office', connection });
const config = (connection: string) => place.call('connection.config', { vpn: 'office', connection });
const publicKeys = () => place.peers().map(({ publicKey }) => publicKey);
const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe('two at once', () => {
  test('are given two addresses, names and keys, or one of them is refused', async () => {
    const one = key();
    const made = await Promise.allSettled([
      add('ada', { public_key: one }),
      add('bob', { public_key: one }),
      add('ada', { public_key: key() }),
      add('eve', { address: '10.8.0.2' }),
      add('dan', { address: '10.8.0.2' }),
      ...Array.from({ length: 20 }, (_, at) => add(`c${at}`, { public_key: key() })),
    ]);
    const there = await place.call('connection.list', { vpn: 'office' });
    expect(there).toHaveLength(made.filter(({ status }) => status === 'fulfilled').length);
    expect(new Set(there.map(({ address }) => address)).size).toBe(there.length);
    expect(new Set(there.map(({ name }) => name)).size).toBe(there.length);
    const reasons = made.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(reasons.sort()).toEqual([
      'ADDRESS_TAKEN',
      'ADDRESS_TAKEN',
      'CONNECTION_EXISTS',
      'PUBLIC_KEY_TAKEN',
    ]);
  });

  test('who ask for a configuration are shown one private key, which is the one that lets in', async () => {
    await add('ada');
    const shown = await Promise.all([config('ada'), config('ada'), config('ada')]);
    expect(shown.filter(({ private_key_shown }) => private_key_shown)).toHaveLength(1);
    expect(place.peers()).toHaveLength(1);
  });

  test('one removes, the other one asks for the configuration: no key is shown that leads nowhere', async () => {
    await add('ada');
    const [removed, shown] = await Promise.allSettled([ask('connection.remove', 'ada'), config('ada')]);
    expect(removed.status).toBe('fulfilled');
    expect(shown).toMatchObject({ status: 'rejected', reason: code('CONNECTION_NOT_FOUND') });
    expect(place.peers()).toEqual([]);
  });

  test('one deletes the service, the other one adds to it: what is answered is so', async () => {
    const [deleted, added] = await Promise.allSettled([
      place.call('vpn.delete', { vpn: 'office' }),
      add('ada', { public_key: key() }),
    ]);
    expect(deleted.status).toBe('fulfilled');
    expect(added).toMatchObject({ status: 'rejected', reason: code('VPN_NOT_FOUND') });
    expect(place.wanted.size).toBe(0);
    expect(await place.store.read.selectFrom('vpn_connection').selectAll().execute()).toEqual([]);
  });

  test('who delete a service, delete it once', async () => {
    const both = await Promise.allSettled([
      place.call('vpn.delete', { vpn: 'office' }),
      place.call('vpn.delete', { vpn: 'office' }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: code('VPN_NOT_FOUND') });
    expect(place.told.filter(({ data }) => data.change === 'deleted')).toHaveLength(1);
  });
});

describe('a service', () => {
  test('that could not be taken from the store is there, and goes on', async () => {
    const ada = key();
    await add('ada', { public_key: ada });
    full = new BorealisError('DISK_FULL');
    await expect(place.call('vpn.delete', { vpn: 'office' })).rejects.toEqual(code('DISK_FULL'));
    full = undefined;
    expect(await place.call('vpn.show', { vpn: 'office' })).toMatchObject({ phase: 'up' });
    expect(publicKeys()).toEqual([ada]);
    await ask('connection.disable', 'ada');
    expect(publicKeys()).toEqual([]);
    await place.call('vpn.delete', { vpn: 'office' });
    expect(place.wanted.size).toBe(0);
  });

  test('of which a part was made before it failed leaves nothing of it on the host', async () => {
    place.failsHalfWay = new BorealisError('COMMAND_FAILED');
    const lab = { name: 'lab', endpoint: 'h:2', pool: '10.9.0.0/24' };
    await expect(place.office(lab)).rejects.toEqual(code('COMMAND_FAILED'));
    expect([...place.wanted.keys()]).toEqual(['bvpn0']);
    place.failsHalfWay = undefined;
    expect(await place.office(lab)).toMatchObject({ interface: 'bvpn1', phase: 'up' });
  });

  test('whose interface is somebody else’s leaves that one alone when it goes', async () => {
    await place.services.close();
    place.tornDown.length = 0;
    place.foreign.add('bvpn0');
    await place.restart();
    expect(await place.call('vpn.show', { vpn: 'office' })).toMatchObject({ phase: 'failed' });
    await place.call('vpn.delete', { vpn: 'office' });
    expect(place.tornDown).not.toContain('bvpn0');
  });
});

describe('a connection that is shut out', () => {
  test('is out though packets cannot be passed on any more', async () => {
    const [ada, bob] = [key(), key()];
    await add('ada', { public_key: ada });
    await add('bob', { public_key: bob });
    place.noForwarding = new BorealisError('FORWARDING_OFF');
    // A site takes the whole of it.
    const site = { site_subnets: ['10.20.0.0/16'], public_key: key() };
    await expect(add('berlin', site)).rejects.toEqual(code('FORWARDING_OFF'));
    await expect(ask('connection.disable', 'ada')).rejects.toEqual(code('FORWARDING_OFF'));
    expect(publicKeys()).not.toContain(ada);
    expect(publicKeys()).toContain(bob);
  });

  test('and has expired stays out when the clock of the machine goes back', async () => {
    await add('guest', { expires_in: 60, public_key: key() });
    place.clock.advance(61_000);
    await until(() => place.told.some(({ data }) => data.change === 'expired'));
    place.clock.advance(-30_000);
    await add('ada', { site_subnets: ['10.20.0.0/16'], public_key: key() });
    expect(place.peers()).toHaveLength(1);
    expect(await ask('connection.show', 'guest')).toMatchObject({ status: 'expired' });
    await place.restart();
    expect(place.peers()).toHaveLength(1);
    await place.call('connection.change', { vpn: 'office', connection: 'guest', expires_in: 60 });
    expect(place.peers()).toHaveLength(2);
  });
});
