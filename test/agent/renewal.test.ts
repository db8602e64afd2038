import fc from 'fast-check';
import { expect, it } from 'vitest';
import { refreshDue, refreshIn, tokenStale } from '../../src/agent/renewal.ts';
import { freshTokens } from './parts.ts';

const clock = { now: () => 0, monotonic: () => 0 };
const tokens = (seconds: number) => freshTokens({ accessExpiresAt: seconds * 1_000 });

it('a token of fifteen minutes is refreshed two to four minutes before its end', () => {
  expect(refreshIn(tokens(900), clock, () => 0)).toBe(660_000);
  expect(refreshIn(tokens(900), clock, () => 1)).toBe(780_000);
});

it('when the time has come the refresh is due, whatever the life and the spread; and the token still counts', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 40, max: 100_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (seconds, random) => {
        const wait = refreshIn(tokens(seconds), clock, () => random);
        const then = { now: () => Math.ceil(wait), monotonic: () => 0 };
        expect(refreshDue(tokens(seconds), then)).toBe(true);
        expect(tokenStale(tokens(seconds), then)).toBe(false);
      },
    ),
  );
});

it('an expired one is due at once', () => {
  expect(refreshIn(tokens(-5), clock, Math.random)).toBe(0);
  expect(tokenStale(tokens(5), clock)).toBe(true);
  expect(tokenStale(freshTokens({ refreshing: true }), clock)).toBe(true);
});
