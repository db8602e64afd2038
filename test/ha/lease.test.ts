/** Who may have the address: never two, and one again whatever happened. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LEASE, SHORTEST_LEASE, Voter } from '../../src/ha/voter.ts';
import { type Fault, NAMES, type Name, World } from './world.ts';

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
const randomFrom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
};
const SETTLED = 8_000;
const worldOf = (faults: readonly Fault[], seed = 1, times = LEASE) =>
  new World(faults, randomFrom(seed), times);
const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

describe('the floating address', () => {
  test('goes to the primary at first, and stays there', () => {
    const world = worldOf([]);
    world.run(60_000);
    expect(world.holders).toEqual(['primary']);
    expect(world.gaps).toHaveLength(1);
  });

  test.each([
    ['kill', { kind: 'kill', at: 20_000, who: 'primary', for: 30_000 }],
    ['stop', { kind: 'stop', at: 20_000, who: 'primary', for: 30_000 }],
  ] as [string, Fault][])(
    'moves when the process of its holder is gone (%s), within its lifetime',
    (_what, fault) => {
      for (const [times, middle, worst] of [
        [LEASE, 2_500, 3_500],
        [SHORTEST_LEASE, 1_600, 2_000],
      ] as const) {
        // From when the renewals end until the other one has it.
        const moved = Array.from({ length: 40 }, (_, seed) => {
          const world = worldOf([{ ...fault, at: fault.at + seed * 17 }], seed, times);
          let at = fault.at + seed * 17;
          for (; at < 40_000 && !world.holders.includes('standby'); at += 10) world.run(at);
          return at - fault.at - seed * 17;
        });
        expect(Math.max(...moved)).toBeLessThanOrEqual(worst);
        expect(median(moved)).toBeLessThanOrEqual(middle);
      }
    },
  );

  test('stays where it is when its old holder comes back', () => {
    const world = worldOf([{ kind: 'kill', at: 20_000, who: 'primary', for: 5_000 }]);
    world.run(60_000);
    expect(world.holders).toEqual(['standby']);
  });

  test('stays while the witness is gone, and the network of one of the two others to it', () => {
    const world = worldOf([
      { kind: 'kill', at: 20_000, who: 'witness', for: 60_000 },
      { kind: 'stop', at: 100_000, who: 'witness', for: 30_000 },
      { kind: 'cut', at: 150_000, from: 'primary', to: 'witness', for: 30_000 },
      { kind: 'cut', at: 200_000, from: 'standby', to: 'primary', for: 30_000 },
    ]);
    world.run(240_000);
    expect(world.holders).toEqual(['primary']);
    expect(world.gaps).toHaveLength(1);
  });

  test('is handed over in no time', () => {
    for (let seed = 0; seed < 40; seed += 1) {
      const world = worldOf([{ kind: 'switch', at: 20_000 + seed * 13 }], seed);
      world.loss = 0;
      world.run(30_000);
      expect(world.holders).toEqual(['standby']);
      expect(world.gaps.at(-1)!.for).toBeLessThanOrEqual(250);
    }
  });

  const name = fc.constantFrom<Name>(...NAMES);
  const at = fc.integer({ min: 0, max: 40_000 });
  const long = fc.integer({ min: 1, max: 12_000 });
  const fault: fc.Arbitrary<Fault> = fc.oneof(
    fc.record({ kind: fc.constant('kill' as const), at, who: name, for: long }),
    fc.record({ kind: fc.constant('stop' as const), at, who: name, for: long }),
    fc.record({ kind: fc.constant('cut' as const), at, from: name, to: name, for: long }),
    fc.record({
      kind: fc.constant('slow' as const),
      at,
      for: long,
      delay: fc.integer({ min: 50, max: 6_000 }),
    }),
    fc.record({ kind: fc.constant('switch' as const), at }),
  );

  test('is never at both, and at one again when the faults have ended', () => {
    fc.assert(
      fc.property(
        fc.array(fault, { maxLength: 25 }),
        fc.integer(),
        fc.constantFrom(LEASE, SHORTEST_LEASE),
        fc.double({ min: 0, max: 0.4, noNaN: true }),
        (faults, seed, times, loss) => {
          const world = worldOf(faults, seed, times);
          world.loss = loss;
          world.run(54_000);
          world.loss = 0;
          world.run(54_000 + SETTLED);
          expect(world.holders).toHaveLength(1);
        },
      ),
      { numRuns: 60 },
    );
  }, 120_000);
});

describe('a voter', () => {
  const voterAt = (now: number) => new Voter(LEASE, now);
  const begun = LEASE.promise;

  test('promises nothing until what it may have promised before is over', () => {
    const voter = voterAt(1_000);
    expect(voter.ask('a/1', 1, 1_000 + begun - 1)).toMatchObject({ granted: false, holder: null });
    expect(voter.ask('a/1', 2, 1_000 + begun)).toEqual({ granted: true });
  });

  test('promises it to one at a time, and to that one again', () => {
    const voter = voterAt(0);
    voter.ask('a/1', 1, begun);
    expect(voter.ask('b/1', 1, begun + 1)).toMatchObject({ granted: false, holder: 'a/1' });
    expect(voter.ask('a/1', 2, begun + 2_000)).toEqual({ granted: true });
    expect(voter.ask('b/1', 2, begun + 2_000 + LEASE.promise - 1)).toMatchObject({ granted: false });
    expect(voter.ask('b/1', 3, begun + 2_000 + LEASE.promise)).toEqual({ granted: true });
  });

  test('takes no other process of the same node for the one that it promised', () => {
    const voter = voterAt(0);
    voter.ask('a/1', 7, begun);
    expect(voter.ask('a/2', 1, begun + 1)).toMatchObject({ granted: false });
  });

  test('does not believe what comes late: a question, a release', () => {
    const voter = voterAt(0);
    voter.ask('a/1', 1, begun);
    voter.ask('a/1', 3, begun + 10);
    expect(voter.ask('a/1', 2, begun + 20)).toBeNull();
    expect(voter.release('a/1', 2, begun + 20)).toBe(false);
    expect(voter.release('b/1', 9, begun + 20)).toBe(false);
    expect(voter.holder(begun + 20)).toBe('a/1');
    expect(voter.release('a/1', 3, begun + 20)).toBe(true);
    expect(voter.isFree(begun + 20)).toBe(true);
    // Its questions of before the release promise nothing any more.
    expect(voter.ask('a/1', 3, begun + 30)).toBeNull();
  });
});
