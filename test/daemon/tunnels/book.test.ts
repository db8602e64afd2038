/** Which address a device is given: the lowest that nobody has, as if each were looked at. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressNumber, giveAddress, readDeviceTunnel, setPorts } from '../../../src/daemon/tunnels/book.ts';
import { parseNetwork } from '../../../src/wg/addresses.ts';
import { type OpenStore, openStore } from '../../store/open.ts';
import { deviceRow } from '../../store/rows.ts';

const network = parseNetwork('10.255.0.0/28', 'a network');
const hole = parseNetwork('10.255.0.4/31', 'a network');
const DEVICES = 14;

let open: OpenStore;
beforeAll(async () => {
  open = await openStore();
  await open.store.write(async ({ db }) => {
    for (let number = 0; number < DEVICES; number += 1)
      await db
        .insertInto('device')
        .values(deviceRow({ guid: `${number}`, name: `device-${number}` }))
        .execute();
  });
});
afterAll(() => open.close());

const clear = () => open.store.write(({ db }) => db.deleteFrom('tunnel_device').execute());
const give = (guid: number, holes = [hole]) =>
  open.store.write((tx) => giveAddress(tx, String(guid), network, holes));

test('the lowest that is free, whoever has left, and none in a hole', async () => {
  const step = fc.record({ device: fc.nat(DEVICES - 1), leaves: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      await clear();
      const held = new Map<number, string>();
      for (const { device, leaves } of steps) {
        if (leaves) {
          held.delete(device);
          await open.store.write(({ db }) =>
            db.deleteFrom('tunnel_device').where('guid', '=', String(device)).execute(),
          );
          continue;
        }
        const all = [2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((last) => `10.255.0.${last}`);
        const free = all.find((address) => ![...held.values()].includes(address));
        const address = held.get(device) ?? free;
        if (address === undefined) {
          await expect(give(device)).rejects.toMatchObject({ code: 'TUNNEL_ADDRESSES_USED_UP' });
          continue;
        }
        expect(await give(device)).toBe(address);
        held.set(device, address);
      }
    }),
    { numRuns: 30 },
  );
});

test('who had one in what is a hole by now gets another; ports stay', async () => {
  await clear();
  await open.store.write((tx) => setPorts(tx, '2', ['80/tcp']));
  for (const device of [0, 1, 2]) await give(device, []);
  expect(await readDeviceTunnel(open.store.read, '2')).toEqual({ address: '10.255.0.4', ports: ['80/tcp'] });
  expect(await give(2)).toBe('10.255.0.6');
  expect(await readDeviceTunnel(open.store.read, '2')).toEqual({ address: '10.255.0.6', ports: ['80/tcp'] });
  expect(addressNumber('10.255.0.6')).toBe(0x0aff_0006);
});
