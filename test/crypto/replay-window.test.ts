import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplayWindow } from '../../src/crypto/replay-window.ts';

const now = 1_800_000_000_000;
const minute = 60_000;

describe('a replay window', () => {
  it('admits a proof once', () => {
    const replay = new ReplayWindow();
    expect(replay.admit('key', 'one', now + minute, now)).toBe('fresh');
    expect(replay.admit('key', 'one', now + minute, now)).toBe('replayed');
    expect(replay.admit('key', 'one', now + 2 * minute, now + minute)).toBe('replayed');
    expect(replay.admit('key', 'two', now + minute, now)).toBe('fresh');
    expect(replay.admit('other', 'one', now + minute, now)).toBe('fresh');
  });

  it('does not take key and jti for one text', () => {
    const replay = new ReplayWindow();
    expect(replay.admit('a', 'bc', now + minute, now)).toBe('fresh');
    expect(replay.admit('ab', 'c', now + minute, now)).toBe('fresh');
  });

  it('refuses when it is full, and goes on when proofs have expired', () => {
    const replay = new ReplayWindow({ capacity: 10 });
    for (let index = 0; index < 10; index++)
      expect(replay.admit(`key ${index}`, 'jti', now + minute, now)).toBe('fresh');
    expect(replay.admit('late', 'jti', now + minute, now)).toBe('full');
    expect(replay.admit('key 3', 'jti', now + minute, now)).toBe('replayed');
    expect(replay.admit('late', 'jti', now + 2 * minute, now + minute)).toBe('fresh');
    expect(replay.size).toBe(1);
  });

  it('does not let one key use up the room of all', () => {
    const replay = new ReplayWindow({ capacity: 100, perKey: 5 });
    const greedy = Array.from({ length: 50 }, (_, index) =>
      replay.admit('greedy', `${index}`, now + minute, now),
    );
    expect(greedy.filter((admission) => admission === 'fresh')).toHaveLength(5);
    expect(greedy.filter((admission) => admission === 'full')).toHaveLength(45);
    expect(replay.admit('modest', 'jti', now + minute, now)).toBe('fresh');
    expect(replay.admit('greedy', 'later', now + 2 * minute, now + minute)).toBe('fresh');
  });

  it('takes a proof whose kind was forgotten for a replay, when the clock is set back', () => {
    const replay = new ReplayWindow({ capacity: 1 });
    expect(replay.admit('key', 'one', now + minute, now)).toBe('fresh');
    expect(replay.admit('key', 'two', now + 60 * minute, now + 59 * minute)).toBe('fresh');
    // The first is forgotten now, and the clock says again what it said then.
    expect(replay.admit('key', 'one', now + minute, now)).toBe('replayed');
  });

  it('refuses times that are no numbers', () => {
    const replay = new ReplayWindow();
    expect(replay.admit('key', 'one', Number.NaN, now)).not.toBe('fresh');
  });

  it('never admits twice and never outgrows its bounds, however times and keys come', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      jti: fc.nat({ max: 12 }).map(String),
      advance: fc.integer({ min: -2 * minute, max: 2 * minute }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const replay = new ReplayWindow({ capacity: 12, perKey: 6 });
        const admitted = new Set<string>();
        let clock = now;
        // Each proof has one expiry of its own, as its signed iat says, and is refused for its age outside of that.
        const issued = new Map<string, number>();
        for (const { key, jti, advance } of steps) {
          clock += advance;
          const proof = `${key} ${jti}`;
          if (!issued.has(proof)) issued.set(proof, clock);
          if (Math.abs(clock - issued.get(proof)!) > minute) continue;
          const fresh = replay.admit(key, jti, issued.get(proof)! + minute + 1, clock) === 'fresh';
          if (fresh) expect(admitted.has(proof)).toBe(false);
          if (fresh) admitted.add(proof);
          expect(replay.size).toBeLessThanOrEqual(12);
        }
      }),
      { numRuns: 500 },
    );
  });
});
