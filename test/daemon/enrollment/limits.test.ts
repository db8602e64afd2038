import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Nonces } from '../../../src/daemon/enrollment/nonces.ts';
import { ownAddress } from '../../../src/daemon/enrollment/public-address.ts';
import { SlidingWindow } from '../../../src/daemon/enrollment/sliding-window.ts';
import { AgentSide } from '../agent-side.ts';
import { TurningClock } from '../agents.ts';
import { RawAgent } from '../raw-agent.ts';

class StandingClock {
  time = 0;
  monotonic = (): number => this.time;
}

test('never more than the limit within any span, and always that many after a pause', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (pauses, limit) => {
      const clock = new StandingClock();
      const window = new SlidingWindow(100, clock);
      const admitted: number[] = [];
      for (const pause of pauses) {
        clock.time += pause;
        const before = admitted.filter((at) => clock.time - at < 100).length;
        expect(window.count('key')).toBe(before);
        expect(window.admit('key', limit)).toBe(before < limit);
        if (before < limit) admitted.push(clock.time);
      }
    }),
  );
});

test('one key does not use up another’s, however many there are', () => {
  const window = new SlidingWindow(100, new StandingClock());
  for (let i = 0; i < 50_000; i++) expect(window.admit(`key ${i}`, 1)).toBe(true);
  expect(window.admit('key 49999', 1)).toBe(false);
});

test('a nonce counts once, for its own request, while it lasts', () => {
  const clock = new StandingClock();
  const nonces = new Nonces(clock);
  const nonce = nonces.issue('a');
  expect(nonces.take('b', nonce)).toBe(false);
  expect(nonces.take('a', nonce)).toBe(true);
  expect(nonces.take('a', nonce)).toBe(false);
  const late = nonces.issue('a');
  clock.time = 60_000;
  expect(nonces.take('a', late)).toBe(false);
});

test('the own address is the one listened on, or one of this host', async () => {
  expect(await ownAddress('192.0.2.1')).toBe('192.0.2.1');
  for (const any of ['0.0.0.0', '::']) {
    const found = await ownAddress(any);
    expect(found).not.toBe(any);
    expect(found).toMatch(/^[0-9a-f.:]+$/);
  }
});

test('expired requests and refresh tokens end by themselves', async () => {
  const clock = new TurningClock();
  const engine = await AgentSide.start({ clock });
  try {
    const { link } = await engine.newCode();
    const agent = new RawAgent(link, { hostname: 'enrolled' });
    await agent.enrol();
    const waiting = new RawAgent(link, { hostname: 'enrolled' });
    await waiting.request();
    clock.advance(31 * 86_400_000);
    await engine.enrollment.expire();
    const { read } = engine.store;
    const states = await read
      .selectFrom('approval')
      .select(['hostname', 'state'])
      .orderBy('requested_at')
      .execute();
    expect(states.map((row) => row.state)).toEqual(['completed', 'expired']);
    expect(await read.selectFrom('refresh_token').selectAll().execute()).toEqual([]);
    const told = await read
      .selectFrom('event')
      .select('type')
      .where('type', '=', 'approval.expired')
      .execute();
    expect(told).toHaveLength(1);
  } finally {
    await engine.close();
  }
});
