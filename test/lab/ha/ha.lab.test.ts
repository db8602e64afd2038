/** A pair with the engine's lease under faults: each that has to move the address once, those that must not, some at random. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requires } from '../../require.ts';
import { LAB_NEEDS } from '../lab.ts';
import { failoverTests, NOTHING } from './failover.ts';
import { longerThanALease } from './faults.ts';
import { type Clocked, HaWorld, VPN } from './ha-world.ts';
import { now } from './observer.ts';

/** Without it the clocks of all programs are the machine's, and jumps are not among the faults. */
const CLOCKS = requires('clocks that jump');
const HOUR = 3_600;

describe('a pair', requires(...LAB_NEEDS, 'wg-quick'), () => {
  let world: HaWorld;
  beforeAll(async () => {
    world = await HaWorld.start({ clocks: !CLOCKS.skip });
  }, 120_000);
  afterAll(() => world?.end());

  failoverTests(() => world, { rounds: 20, turns: 4 });

  test('nobody notices that somebody’s clock jumps', { ...CLOCKS, ...NOTHING }, async () => {
    const { watch, pings } = world.bastions;
    const from = await world.holder();
    await world.ok();
    await pings.flow(now());
    const began = now();
    const lost: number[] = [];
    for (const who of ['north', 'south', 'engine'] satisfies Clocked[]) {
      try {
        for (const seconds of [HOUR, -HOUR]) {
          const jumped = now();
          world.jump(who, seconds);
          await longerThanALease(world);
          lost.push(pings.since(jumped).lost);
        }
      } finally {
        world.jump(who, 0);
      }
    }
    const seen = watch.told(began);
    const pair = await world.ok();
    expect([lost, seen]).toEqual([[0, 0, 0, 0, 0, 0], '']);
    expect(pair.holder).toBe(from);
    // And what was to be done by the clock is done.
    await world.bastions.outage(from, async () => {
      await world.lab.json(['ha', 'switch', VPN]);
    });
    expect((await world.ok()).last_switch).toMatchObject({ reason: 'planned' });
  });
});
