/** How a pair is told to be, when it flaps, and when its address goes back. */
import { describe, expect, test } from 'vitest';
import { failBackAfter, isFlapping, type PastSwitch } from '../../../src/daemon/ha/damping.ts';
import { type NodeNow, type PairNow, verdictOf } from '../../../src/daemon/ha/state.ts';

const MINUTE = 60_000;
const NOW = 100 * MINUTE;
const lost = (...minutesAgo: number[]): PastSwitch[] =>
  minutesAgo.map((ago) => ({ at: NOW - ago * MINUTE, reason: 'lost' }));

describe('flapping', () => {
  test.each<[string, PastSwitch[], boolean]>([
    ['none', [], false],
    ['two', lost(1, 2), false],
    ['three', lost(1, 2, 9), true],
    ['three, one of them long ago', lost(1, 2, 11), false],
    ['three that were asked for', lost(1, 2, 3).map((one) => ({ ...one, reason: 'planned' })), false],
    [
      'an agent that was stopped is one too',
      lost(1, 2, 3).map((one) => ({ ...one, reason: 'stopped' })),
      true,
    ],
  ])('%s', (_, switches, wanted) => expect(isFlapping(switches, NOW)).toBe(wanted));

  test('makes going back take longer, up to a quarter of an hour', () => {
    const after = (count: number) =>
      failBackAfter(lost(...Array.from({ length: count }, (__, n) => n + 1)), NOW) / MINUTE;
    expect([0, 1, 2, 3, 4, 5, 6, 40].map(after)).toEqual([1, 1, 2, 4, 8, 15, 15, 15]);
    // An hour later nobody holds it against it.
    expect(failBackAfter(lost(61, 62, 63), NOW)).toBe(MINUTE);
  });
});

const node = (
  name: string,
  rest: Partial<NodeNow> = {},
  ha: Partial<NonNullable<NodeNow['ha']>> = {},
): NodeNow => ({
  name,
  online: true,
  barred: false,
  behind: 0,
  error: null,
  ha: {
    role: 'standby',
    endpoint: null,
    other_heard: true,
    endpoints: 0,
    clock_behind: 0,
    stranger: null,
    ...ha,
  },
  ...rest,
});
const holder = node('a', {}, { role: 'holder' });
const away = (name: string) => node(name, { online: false, ha: null, behind: null });

describe('a pair', () => {
  test.each<[string, PairNow['nodes'], Partial<PairNow>, string, 0 | 1 | null, RegExp]>([
    ['is well', [holder, node('b')], {}, 'ok', 0, /a has the address; b can take it/],
    ['has changed places', [node('a'), node('b', {}, { role: 'holder' })], {}, 'ok', 1, /b has the address/],
    ['has no standby', [holder, away('b')], {}, 'degraded', 0, /b is offline/],
    [
      'has a standby that is shut out',
      [holder, node('b', { barred: true })],
      {},
      'degraded',
      0,
      /quarantined/,
    ],
    [
      'has a standby that is behind',
      [holder, node('b', { behind: 2 })],
      {},
      'degraded',
      0,
      /newest connections/,
    ],
    ['has one that says so', [holder, node('b', {}, { role: 'behind' })], {}, 'degraded', 0, /newest/],
    [
      'has one that failed',
      [holder, node('b', { error: 'no nft' }, { role: 'failed' })],
      {},
      'degraded',
      0,
      /no nft/,
    ],
    [
      'is cut in two',
      [holder, node('b', {}, { other_heard: false })],
      {},
      'degraded',
      0,
      /do not hear each other/,
    ],
    ['flaps', [holder, node('b')], { flapping: true }, 'degraded', 0, /too often/],
    [
      'has a holder that only the other one hears',
      [away('a'), node('b')],
      {},
      'degraded',
      0,
      /not connected to the engine/,
    ],
    [
      'lost its holder just now',
      [away('a'), node('b', {}, { other_heard: false })],
      {},
      'switching',
      null,
      /on its way/,
    ],
    [
      'lost it',
      [away('a'), node('b', {}, { other_heard: false })],
      { nobodyFor: 9_000 },
      'down',
      null,
      /Nobody has.*a is offline/,
    ],
    ['is away', [away('a'), away('b')], { nobodyFor: 9_000 }, 'down', null, /nobody knows/],
    [
      'failed',
      [node('a', { error: 'no such interface' }), node('b')],
      { nobodyFor: 9_000 },
      'down',
      null,
      /a: no such interface/,
    ],
    [
      'does not believe who was shut out',
      [{ ...away('a'), barred: true }, node('b')],
      { nobodyFor: 9_000 },
      'down',
      null,
      /Nobody/,
    ],
    [
      'has a standby whose clock is behind',
      [holder, node('b', {}, { clock_behind: 7 })],
      {},
      'degraded',
      0,
      /7 s behind a’s.*NTP/,
    ],
    [
      'has a holder whose clock is behind: its clients know no later time',
      [node('a', {}, { role: 'holder', clock_behind: 7 }), node('b')],
      {},
      'ok',
      0,
      /b can take it/,
    ],
    [
      'has a stranger',
      [node('a', {}, { role: 'conflict', stranger: '02:00:00:00:00:07' }), node('b')],
      {},
      'conflict',
      null,
      /02:00:00:00:00:07/,
    ],
  ])('%s', (_, nodes, rest, state, who, reason) => {
    const verdict = verdictOf({
      address: '192.0.2.10',
      nodes,
      nobodyFor: 0,
      patience: 5_000,
      flapping: false,
      ...rest,
    });
    expect(verdict).toEqual({ state, holder: who, reason: expect.stringMatching(reason) });
    expect(verdict.reason).toMatch(/^\S.*\.$/);
  });
});
