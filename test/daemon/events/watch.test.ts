import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Event } from '../../../src/protocol/event.ts';
import { STREAM_CLOSE } from '../../../src/protocol/stream.ts';
import { problem, TestEngine, type Watching } from '../engine.ts';

let engine: TestEngine;
beforeEach(async () => {
  engine = await TestEngine.start();
});
afterEach(() => engine.close());

/** Each makes one event of type user.changed. */
const change = async (times: number): Promise<void> => {
  await Promise.all(
    Array.from({ length: times }, (_, i) =>
      engine.call('PUT', '/users/nobody', { role: i % 2 === 0 ? 'viewer' : 'operator' }),
    ),
  );
};
const ids = (events: readonly Event[]): number[] => events.map((event) => event.id);
const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

test('event.watch without `after` gives what happens from now on', async () => {
  await change(3);
  const watching = engine.watch('/events');
  await watching.opened;
  await change(2);
  expect(ids(await watching.take<Event>(2))).toEqual([5, 6]);
  await watching.close();
});

test('`after` resumes: what was missed, then what happens', async () => {
  await change(5);
  const watching = engine.watch('/events?after=2');
  expect(ids(await watching.take<Event>(4))).toEqual([3, 4, 5, 6]);
  await change(1);
  expect((await watching.next<Event>()).id).toBe(7);
  await watching.close();
});

test('a watcher that comes while much happens misses nothing and sees nothing twice', async () => {
  const total = 600;
  const watchers: Watching[] = [];
  const changing = change(total);
  for (let i = 0; i < 20; i++) {
    const watching = engine.watch(`/events?after=${i}`);
    watchers.push(watching);
    await watching.opened;
  }
  await changing;
  for (const [after, watching] of watchers.entries()) {
    expect(ids(await watching.take<Event>(total + 1 - after))).toEqual(from(after + 1, total + 1 - after));
  }
  await Promise.all(watchers.map((watching) => watching.close()));
});

test('events survive a restart, ids go on', async () => {
  await change(2);
  await engine.close({ keep: true });
  engine = await TestEngine.start({ state: engine.state });
  const watching = engine.watch('/events?after=0');
  const events = await watching.take<Event>(5);
  expect(ids(events)).toEqual([1, 2, 3, 4, 5]);
  expect(events.map((event) => event.type)).toEqual([
    'engine.started',
    'user.changed',
    'user.changed',
    'engine.stopping',
    'engine.started',
  ]);
  await watching.close();
});

test('`type` narrows, one or several', async () => {
  await change(2);
  const one = engine.watch('/events?after=0&type=engine.started');
  expect(await one.next<Event>()).toMatchObject({ id: 1, type: 'engine.started' });
  const two = engine.watch('/events?after=0&type=engine.started&type=user.changed');
  expect(ids(await two.take<Event>(3))).toEqual([1, 2, 3]);
  expect(one.messages).toHaveLength(1);
  await one.close();
  await two.close();
});

describe('a gap is told', () => {
  test('where the events asked for were pruned', async () => {
    await change(6);
    await engine.close({ keep: true });
    const db = new BetterSqlite3(join(engine.state, 'borealis.db'));
    db.exec('DELETE FROM event WHERE id <= 5');
    db.close();
    engine = await TestEngine.start({ state: engine.state });
    const watching = engine.watch('/events?after=2&type=user.changed');
    const events = await watching.take<Event>(3);
    expect(events[0]).toMatchObject({ type: 'stream.gap', id: 5 });
    expect(ids(events.slice(1))).toEqual([6, 7]);
    await watching.close();
  });

  test('where that id was never given', async () => {
    const watching = engine.watch('/events?after=4711');
    expect(await watching.next<Event>()).toMatchObject({ type: 'stream.gap', id: 1 });
    await change(1);
    expect(await watching.next<Event>()).toMatchObject({ type: 'user.changed', id: 2 });
    await watching.close();
  });

  test('not where the last one seen is the newest', async () => {
    const watching = engine.watch('/events?after=1');
    await watching.opened;
    await change(1);
    expect(await watching.next<Event>()).toMatchObject({ type: 'user.changed', id: 2 });
    await watching.close();
  });
});

describe('the stream', () => {
  test('refuses bad input before it begins', async () => {
    const answer = await engine.watch('/events?after=-1').refused;
    expect(answer.status).toBe(400);
    expect(problem(answer)).toMatchObject({
      code: 'INVALID_INPUT',
      detail: expect.stringContaining('after'),
    });
    const unknown = await engine.watch('/events?type=no.such').refused;
    expect(problem(unknown).code).toBe('INVALID_INPUT');
  });

  test('is not to be had where there is none', async () => {
    const answer = await engine.watch('/me').refused;
    expect(answer.status).toBe(404);
    expect(problem(answer).code).toBe('NO_SUCH_OPERATION');
  });

  test('ends with 1001 when the engine stops, after the event that says so', async () => {
    const watching = engine.watch('/events');
    await watching.opened;
    await engine.close({ keep: true });
    expect(await watching.next<Event>()).toMatchObject({ type: 'engine.stopping' });
    expect(await watching.closed).toMatchObject({ code: STREAM_CLOSE.goingAway });
    engine = await TestEngine.start({ state: engine.state });
  });

  test('ends where the watcher sends more than it may', async () => {
    const watching = engine.watch('/events');
    await watching.opened;
    watching.ws.send('x'.repeat(100_000));
    expect((await watching.closed).code).toBe(1009);
    expect((await engine.call('GET', '/me')).status).toBe(200);
  });
});
