import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Backoff, RECONNECT } from '../../src/agent/backoff.ts';

it('doubles the bound up to the cap and takes a random part of it', () => {
  const most = new Backoff(RECONNECT, () => 0.999_999);
  const delays = Array.from({ length: 10 }, () => most.next());
  expect(delays).toEqual([499, 999, 1_999, 3_999, 7_999, 15_999, 29_999, 29_999, 29_999, 29_999]);
  most.reset();
  expect(most.next()).toBe(499);
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat(2_000),
      (random, attempts) => {
        const backoff = new Backoff(RECONNECT, () => random);
        for (let i = 0; i < attempts; i++) backoff.next();
        const delay = backoff.next();
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(RECONNECT.capMs);
      },
    ),
  );
});
