/** Whatever lease is asked for, it is safe: the address is gone before the promise is, on any clock. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HaNode } from '../../src/ha/node.ts';
import { LEASE, LEASE_RENEWALS, LEASE_SECONDS, leaseOf, SHORTEST_LEASE, Voter } from '../../src/ha/voter.ts';
import { leaseTimes } from '../../src/protocol/bastion.ts';
import { type Fault, NAMES, type Name, World } from './world.ts';

const seconds = fc.integer({ min: LEASE_SECONDS.min, max: LEASE_SECONDS.max });
const renewals = fc.integer({ min: LEASE_RENEWALS.min, max: LEASE_RENEWALS.max });
const every = Array.from({ length: LEASE_SECONDS.max }, (_, index) => index + 1);

describe('a lease', () => {
  test.each(every)('of %i s is safe to be told, however often it is renewed', (lifetime) => {
    for (let renewals = LEASE_RENEWALS.min; renewals <= LEASE_RENEWALS.max; renewals += 1) {
      const times = leaseOf(lifetime, renewals);
      expect(times.promise).toBe(lifetime * 1_000);
      // All but the last may be lost; there are no more questions than a slow network answers.
      expect(times.renew * (renewals - 1)).toBeLessThan(times.promise - times.kernelLate);
      expect(times.renew).toBeGreaterThanOrEqual(100);
      expect(leaseTimes.safeParse(times).success).toBe(true);
    }
  });

  test('is the usual one and the shortest one where they are asked for', () => {
    expect([leaseOf(LEASE_SECONDS.usual), leaseOf(LEASE_SECONDS.min)]).toEqual([LEASE, SHORTEST_LEASE]);
  });

  test('is given for no longer than is left of the promise, however late the answer comes', () => {
    fc.assert(
      fc.property(seconds, renewals, fc.integer({ min: 0, max: 40_000 }), (lifetime, many, late) => {
        const times = leaseOf(lifetime, many);
        const voter = new Voter(times, 0);
        const node = new HaNode({ name: 'a/1', others: ['b', 'w'], times, voter, modesty: () => 0 });
        const begun = times.promise + 1;
        const probe = node.tick(begun).send[0]?.message;
        if (probe?.kind !== 'ask') throw new Error('it did not ask');
        const answer = { kind: 'answer', granted: true, holder: null } as const;
        const firm = node.heard('w', { ...answer, firm: false, question: probe.question }, begun);
        const asked = firm.send[0]?.message;
        if (asked?.kind !== 'ask') throw new Error('it did not ask in earnest');
        const step = node.heard('w', { ...answer, firm: true, question: asked.question }, begun + late);
        const given = step.lifetime ?? 0;
        // Of the holder's clock, which is slow, and the voters', which are quick.
        if (given > 0)
          expect((late + given) * (1 + times.drift) + times.kernelLate / 2).toBeLessThan(times.promise);
        // None is lost because its answer took half of the time, and of none is more lost than the answer took.
        if (late <= times.promise / 2)
          expect(given).toBeGreaterThan(times.promise * (1 - 2 * times.drift) - times.kernelLate - late - 1);
      }),
    );
  });

  const name = fc.constantFrom<Name>(...NAMES);
  const at = fc.integer({ min: 0, max: 90_000 });
  const long = fc.integer({ min: 1, max: 40_000 });
  const fault: fc.Arbitrary<Fault> = fc.oneof(
    fc.record({ kind: fc.constant('kill' as const), at, who: name, for: long }),
    fc.record({ kind: fc.constant('stop' as const), at, who: name, for: long }),
    fc.record({ kind: fc.constant('cut' as const), at, from: name, to: name, for: long }),
    fc.record({ kind: fc.constant('switch' as const), at }),
  );

  test('of any length is never at both, and at one again when the faults have ended', () => {
    fc.assert(
      fc.property(
        seconds,
        renewals,
        fc.array(fault, { maxLength: 15 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (lifetime, many, faults, stream) => {
          const times = leaseOf(lifetime, many);
          // The world itself fails where two have it.
          const world = new World(faults, () => stream.next().value as number, times);
          world.run(130_000);
          world.loss = 0;
          world.run(130_000 + 3 * times.promise + 3_000);
          expect(world.holders).toHaveLength(1);
        },
      ),
      { numRuns: 20 },
    );
  }, 120_000);

  test('is at one although both ask each other at the same moment, again and again', () => {
    const kill = { kind: 'kill', who: 'primary' } as const;
    // All that is said is lost at first, and then takes as long as everything else.
    const world = new World(
      [
        { ...kill, at: 0, for: 1 },
        { ...kill, at: 2_832, for: 489 },
      ],
      () => 0,
      leaseOf(1),
    );
    world.run(10_000);
    world.loss = 0;
    world.run(13_000);
    expect(world.holders).toHaveLength(1);
  });
});
