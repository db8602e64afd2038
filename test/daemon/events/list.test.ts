/** What happened to everything, and to one device: listed, and watched. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Event } from '../../../src/protocol/event.ts';
import { SqliteStore } from '../../../src/store/sqlite.ts';
import { deviceRow, eventRow } from '../../store/rows.ts';
import { problem, TestEngine } from '../engine.ts';

const NORTH = '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a001';
const SOUTH = '8b1cfd0b-9f33-4a2c-a5c2-1df3a0c0a002';

interface Page {
  items: Event[];
  next_cursor: string | null;
}

let engine: TestEngine;
beforeEach(async () => {
  const state = join(mkdtempSync(join(tmpdir(), 'borealis-events-')), 'state');
  mkdirSync(state, { mode: 0o700 });
  const store = await SqliteStore.open(join(state, 'borealis.db'));
  await store.write(async ({ db }) => {
    const now = Date.now();
    for (const [guid, name] of [
      [NORTH, 'north'],
      [SOUTH, 'south'],
    ] as const) {
      await db.insertInto('device').values(deviceRow({ guid, name })).execute();
    }
    // 1 to 6: of each in turn; then the one of the engine's start.
    for (let id = 1; id <= 6; id++) {
      const [guid, device] = id % 2 === 1 ? [NORTH, 'north'] : [SOUTH, 'south'];
      const type = id > 4 ? 'vpn_tunnel_start' : 'device.online';
      await db
        .insertInto('event')
        .values({ ...eventRow(id, now), guid, device, type })
        .execute();
    }
  });
  await store.close();
  engine = await TestEngine.start({ state });
});
afterEach(() => engine.close());

const list = async (query = ''): Promise<Page> => {
  const answer = await engine.call('GET', `/events/past${query}`);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text) as Page;
};
const ids = ({ items }: Page): number[] => items.map(({ id }) => id);

test('events are listed from the newest to the oldest, in pages', async () => {
  expect(ids(await list())).toEqual([7, 6, 5, 4, 3, 2, 1]);
  const first = await list('?limit=4');
  expect([ids(first), first.next_cursor]).toEqual([[7, 6, 5, 4], '4']);
  const second = await list(`?limit=4&cursor=${first.next_cursor}`);
  expect([ids(second), second.next_cursor]).toEqual([[3, 2, 1], null]);
});

test('those of one device, by its name or GUID, of one type', async () => {
  expect(ids(await list('?device=north'))).toEqual([5, 3, 1]);
  expect(ids(await list(`?device=${SOUTH}&type=device.online`))).toEqual([4, 2]);
  const renamed = await engine.call('PATCH', '/devices/north', { name: 'polar' });
  expect(renamed.status).toBe(200);
  expect(ids(await list('?device=polar'))).toEqual([8, 5, 3, 1]);
});

test('a device that is none, and a cursor that was never given, are refused', async () => {
  const unknown = await engine.call('GET', '/events/past?device=nort-h');
  expect(problem(unknown).code).toBe('DEVICE_NOT_FOUND');
  const cursor = await engine.call('GET', '/events/past?cursor=x');
  expect(problem(cursor).code).toBe('INVALID_INPUT');
});

test('a watcher of one device hears what was and what happens, of that one alone', async () => {
  const watching = engine.watch('/events?after=2&device=south');
  expect((await watching.take<Event>(2)).map(({ id }) => id)).toEqual([4, 6]);
  await engine.call('PATCH', '/devices/north', { name: 'polar' });
  await engine.call('PATCH', '/devices/south', { name: 'warm' });
  expect(await watching.next<Event>()).toMatchObject({ id: 9, guid: SOUTH, device: 'warm' });
  await watching.close();
});
