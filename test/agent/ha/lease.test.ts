/** However its process is stopped and goes on, between any two of its steps: the fence is never open beyond the lease. */
import { describe, expect, test } from 'vitest';
import type { DeciderParts } from '../../../src/agent/ha/decider.ts';
import { makeLease } from '../../../src/agent/ha/lease.ts';
import type { VoteMessage } from '../../../src/ha/node.ts';
import { LEASE } from '../../../src/ha/voter.ts';
import { keptLog } from '../parts.ts';

const SELF = '5b7d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';
const OTHER = '0f1d4a4e-51a2-4c43-9d5a-1f6f0f4b8a11';

/**
 * A node and an engine that grants whatever it asks. `pauses`: milliseconds for which the process stands still each time that
 * it is just about to tell the kernel how long it has the address.
 */
const hold = (pauses: readonly number[]) => {
  let now = 10_000;
  let open = Number.NEGATIVE_INFINITY;
  const left = [...pauses];
  const asked: { question: number; at: number }[] = [];
  const parts: DeciderParts = {
    ha: {
      address: '192.0.2.10/24',
      interface: null,
      self: SELF,
      other: OTHER,
      other_endpoint: null,
      port: 47_002,
      key: 'A'.repeat(43),
      preferred: true,
      lease: LEASE,
      driver: 'own',
      hook: null,
      router_id: 51,
    },
    name: `${SELF}/AAAAAAAAAAAA`,
    address: {
      interfaceName: 'eth0',
      ownAddress: '192.0.2.1',
      ownHardwareAddress: '52:54:00:12:34:56',
      hold: (milliseconds) => {
        now += left.shift() ?? 0;
        open = now + milliseconds;
      },
      drop: () => {
        open = Number.NEGATIVE_INFINITY;
      },
      isHere: () => now < open,
      announce: () => undefined,
      probe: () => undefined,
      onAnswer: () => undefined,
      close: () => undefined,
    },
    clock: { now: () => now, monotonic: () => now },
    log: keptLog(),
    mayAsk: () => true,
    send: (to, message: VoteMessage) => {
      if (to === 'witness' && message.kind === 'ask') {
        if (message.firm) asked.push({ question: message.question, at: now });
        answers.push({
          kind: 'answer',
          question: message.question,
          firm: message.firm,
          granted: true,
          holder: null,
        });
      }
    },
    otherHas: () => undefined,
    otherHadAt: () => Number.NEGATIVE_INFINITY,
    took: () => undefined,
    lost: () => undefined,
    failed: (error) => {
      throw error;
    },
  };
  const answers: VoteMessage[] = [];
  const lease = makeLease(parts);
  lease.start();
  // What a process before may have promised.
  now += LEASE.promise;
  /** Of the newest promise of another voter: it begins when that hears the question, at the earliest when it was asked. */
  const promised = () => Math.max(...asked.map(({ at }) => at + LEASE.promise));
  return {
    /** Asks, and hears what is answered. */
    turn: () => {
      lease.tick(now);
      for (let answer = answers.shift(); answer; answer = answers.shift())
        lease.voted('witness', 'witness', answer, now);
    },
    wait: (milliseconds: number) => {
      now += milliseconds;
    },
    get open() {
      return open;
    },
    promised,
  };
};

test('a machine on which each step takes long has the address all the same', () => {
  const node = hold(Array<number>(1_000).fill(15));
  for (let turn = 0; turn < 20; turn += 1) {
    node.turn();
    node.wait(LEASE.renew);
  }
  expect(node.open).toBeGreaterThan(node.promised() - LEASE.promise / 2);
});

describe('the fence is not open for longer than the promise lasts', () => {
  test.each<[string, number[]]>([
    ['at once', []],
    ['by a slow machine', Array<number>(1_000).fill(15)],
    ['stopped for a moment', [30]],
    ['stopped for longer than the lease', [5_000]],
    ['stopped for a moment, then for longer than the lease', [30, 5_000]],
    ['stopped again and again', [30, 900, 900, 900]],
  ])('where it takes the address, %s', (_, pauses) => {
    const node = hold(pauses);
    for (let turn = 0; turn < 3; turn += 1) {
      node.turn();
      expect(node.open).toBeLessThanOrEqual(node.promised());
    }
  });

  test.each<[string, number[]]>([
    ['stopped for longer than the lease', [0, 5_000]],
    ['stopped for a moment, then for longer than the lease', [0, 30, 5_000]],
    ['stopped again and again', [0, 30, 900, 900, 900]],
  ])('where it renews the lease, %s', (_, pauses) => {
    const node = hold(pauses);
    node.turn();
    node.turn();
    expect(node.open).toBeGreaterThan(0);
    node.wait(LEASE.renew);
    node.turn();
    expect(node.open).toBeLessThanOrEqual(node.promised());
  });
});
