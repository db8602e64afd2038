import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditRecord } from '../../../src/protocol/audit.ts';
import type { Clock } from '../../../src/sys/clock.ts';
import { problem, TestEngine } from '../engine.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
let now = START;
const clock: Clock = { now: () => now, monotonic: () => performance.now() };
let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.start({ clock });
  // One record a minute: 1 grants nobody, 2 grants @root, 3 grants nobody, …
  for (let i = 0; i < 10; i++) {
    now = START + i * 60_000;
    await engine.call('PUT', `/users/${i % 2 === 0 ? 'nobody' : '%40root'}`, { role: 'viewer' });
  }
  now = START + 10 * 60_000;
  await engine.call('DELETE', '/users/nobody');
});
afterAll(() => engine.close());

const list = async (query: string): Promise<{ seqs: number[]; next: string | null }> => {
  const { body } = await engine.call('GET', `/audit${query}`);
  const { items, next_cursor } = body as { items: AuditRecord[]; next_cursor: string | null };
  return { seqs: items.map((item) => item.seq), next: next_cursor };
};

test('audit.list: newest first, page by page', async () => {
  expect((await list('')).seqs).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  const first = await list('?limit=4');
  expect(first).toEqual({ seqs: [11, 10, 9, 8], next: '8' });
  const second = await list(`?limit=4&cursor=${first.next}`);
  expect(second.seqs).toEqual([7, 6, 5, 4]);
  expect(await list(`?limit=4&cursor=${second.next}`)).toEqual({ seqs: [3, 2, 1], next: null });
});

test.each([
  ['?action=user.revoke', [11]],
  ['?target=nobody', [11, 9, 7, 5, 3, 1]],
  ['?target=nobody&action=user.grant&limit=2', [9, 7]],
  ['?actor=somebody', []],
  ['?since=2026-01-01T00:08:00.000Z', [11, 10, 9]],
  ['?since=2026-01-01T00:08:00.000Z&target=%40root', [10]],
  ['?since=2027-01-01T00:00:00.000Z', []],
  ['?before_seq=3', [2, 1]],
])('%s', async (query, seqs) => {
  expect((await list(query)).seqs).toEqual(seqs);
});

test.each(['x', '-1', '1.5', '0'])('the cursor %s is refused', async (cursor) => {
  expect(problem(await engine.call('GET', `/audit?cursor=${cursor}`)).code).toBe('INVALID_INPUT');
});
