/** A pair under faults: each that has to move the address once, those that must not, and some at random. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../../require.ts';
import { LAB_NEEDS } from '../lab.ts';
import { engineFaults, faultsOf } from './faults.ts';
import { randomly, round } from './ha-rounds.ts';
import { HaWorld, VPN } from './ha-world.ts';
import { now } from './observer.ts';

const ROUNDS = 20;
/** Those of the holder by which the other one gets the address. */
const MOVING = ['agent killed', 'agent stopped', 'frozen', 'cut, both', 'unplugged'];

describe('a pair', requires(...LAB_NEEDS, 'wg-quick'), () => {
  let world: HaWorld;
  beforeAll(async () => {
    world = await HaWorld.start();
  }, 120_000);
  afterAll(() => world?.end());

  test.each(MOVING)('goes on with the other one: %s', { timeout: 120_000 }, async (name) => {
    const from = await world.holder();
    await world.ok();
    const fault = faultsOf(world, from).find((one) => one.name === `${from}: ${name}`)!;
    let end: () => Promise<void> = async () => undefined;
    const { silence } = await world.bastions.outage(from, async () => {
      end = await fault.begin();
    });
    // What plain WireGuard takes until a client begins anew: ours does not leave it to the client.
    expect(silence).toBeLessThan(10_000);
    await end();
    await world.ok();
    expect(world.bastions.watch.doubles).toEqual([]);
  });

  test.each(['engine killed', 'engine stopped'])(
    'stays where it is: %s',
    { timeout: 60_000 },
    async (name) => {
      await world.ok();
      const from = await world.holder();
      const began = now();
      const end = await engineFaults(world)
        .find((one) => one.name === name)!
        .begin();
      // Longer than any lease: what would move it would have by then.
      const until = now() + 6_000;
      await expect.poll(now, { timeout: 10_000 }).toBeGreaterThan(until);
      expect(world.bastions.watch.told(began)).toBe('');
      expect(world.bastions.pings.since(began).lost).toBe(0);
      await end();
      expect(await world.holder()).toBe(from);
    },
  );

  test('a TCP connection lives on, there and back again', { timeout: 120_000 }, async () => {
    const stream = world.bastions.streamToSite();
    for (let turn = 0; turn < 4; turn += 1) {
      const from = await world.holder();
      await world.ok();
      await stream.flow(now());
      await world.bastions.outage(from, async () => {
        await world.lab.json(['ha', 'switch', VPN]);
      });
      await stream.flow(now());
    }
    await stream.end();
  });

  test('under faults at random two never have the address, and one has it in the end', {
    timeout: 600_000,
  }, async () => {
    const seed = Date.now() % 2 ** 31;
    const random = randomly(seed);
    for (let count = 1; count <= ROUNDS; count++) {
      await round(world, random).catch((cause: unknown) => {
        throw new Error(`round ${count}, seed ${seed}: ${String(cause)}`, { cause });
      });
    }
  });
});
