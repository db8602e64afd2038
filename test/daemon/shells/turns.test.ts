import { expect, test } from 'vitest';
import { Turns, type Worker } from '../../../src/daemon/shells/turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Work of one millisecond each, by the clock that is handed in. */
class Load implements Worker {
  done = 0;
  left: number;
  readonly #clock: { now: number };
  constructor(clock: { now: number }, left: number) {
    this.#clock = clock;
    this.left = left;
  }
  work(): boolean {
    this.#clock.now += 1;
    this.done += 1;
    this.left -= 1;
    return this.left > 0;
  }
}

test('all get their share, none more than one unit ahead, and the loop turns in between', async () => {
  const clock = { now: 0 };
  const turns = new Turns(() => clock.now);
  const loads = Array.from({ length: 7 }, () => new Load(clock, 10));
  for (const load of loads) turns.add(load);
  const seen: number[] = [];
  while (loads.some(({ left }) => left > 0)) {
    await turn();
    const before = seen.at(-1) ?? 0;
    const now = loads.reduce((sum, { done }) => sum + done, 0);
    expect(now - before).toBeLessThanOrEqual(3);
    seen.push(now);
    const most = Math.max(...loads.map(({ done }) => done));
    const least = Math.min(...loads.map(({ done }) => done));
    expect(most - least).toBeLessThanOrEqual(1);
  }
  expect(loads.map(({ done }) => done)).toEqual([10, 10, 10, 10, 10, 10, 10]);
});

test('who says little goes before those who say much', async () => {
  const clock = { now: 0 };
  const turns = new Turns(() => clock.now);
  const floods = Array.from({ length: 50 }, () => new Load(clock, 1_000));
  for (const load of floods) turns.add(load);
  await turn();
  const typist = new Load(clock, 1);
  turns.add(typist, true);
  const before = floods.reduce((sum, { done }) => sum + done, 0);
  await turn();
  expect(typist.done).toBe(1);
  expect(floods.reduce((sum, { done }) => sum + done, 0) - before).toBeLessThanOrEqual(3);
  for (const load of floods) turns.remove(load);
});

test('one that was taken out is not called again', async () => {
  const clock = { now: 0 };
  const turns = new Turns(() => clock.now);
  const load = new Load(clock, 5);
  turns.add(load);
  turns.remove(load);
  await turn();
  await turn();
  expect(load.done).toBe(0);
});

test('who says little is heard at once, until that has taken too long', async () => {
  const clock = { now: 0 };
  const turns = new Turns(() => clock.now);
  const typists = Array.from({ length: 5 }, () => new Load(clock, 1));
  for (const typist of typists) turns.add(typist, true);
  expect(typists.map(({ done }) => done)).toEqual([1, 1, 1, 0, 0]);
  await turn();
  expect(typists.map(({ done }) => done)).toEqual([1, 1, 1, 1, 1]);
  clock.now += 10;
  const later = new Load(clock, 1);
  turns.add(later, true);
  expect(later.done).toBe(1);
});
