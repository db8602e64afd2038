import { afterEach, beforeEach, expect, test } from 'vitest';
import { EventLog } from '../../../src/daemon/events/log.ts';
import { Counts } from '../../../src/daemon/status/counts.ts';
import type { EventType } from '../../../src/protocol/event.ts';
import type { Transaction } from '../../../src/store/store.ts';
import type { Clock } from '../../../src/sys/clock.ts';
import { type OpenStore, openStore } from '../../store/open.ts';
import { approvalRow, codeRow, deviceRow, jobRow } from '../../store/rows.ts';

let now = 1_000_000;
const clock: Clock = { now: () => now, monotonic: () => now };
let open: OpenStore;
let events: EventLog;
let counts: Counts;
beforeEach(async () => {
  open = await openStore();
  events = new EventLog(clock);
  counts = new Counts({ store: open.store, clock, events });
});
afterEach(async () => {
  counts.close();
  await open.close();
});

const change = (type: EventType, work: (tx: Transaction) => Promise<unknown>): Promise<void> =>
  open.store.write(async (tx) => {
    await work(tx);
    await events.record(tx, { type, message: 'x' });
  });

test('devices are counted by what operators decided, anew after each change', async () => {
  expect(await counts.devices()).toEqual({ active: 0, quarantined: 0, revoked: 0 });
  for (const n of [1, 2, 3]) {
    await change('device.enrolled', ({ db }) =>
      db
        .insertInto('device')
        .values(deviceRow({ guid: `g${n}`, name: `n${n}` }))
        .execute(),
    );
  }
  expect(await counts.devices()).toEqual({ active: 3, quarantined: 0, revoked: 0 });
  const set = (guid: string, state: 'active' | 'quarantined' | 'revoked', type: EventType) =>
    change(type, ({ db }) => db.updateTable('device').set({ state }).where('guid', '=', guid).execute());
  await set('g1', 'quarantined', 'device.quarantined');
  await set('g2', 'revoked', 'device.revoked');
  expect(await counts.devices()).toEqual({ active: 1, quarantined: 1, revoked: 1 });
  await set('g1', 'active', 'device.released');
  await change('device.removed', ({ db }) => db.deleteFrom('device').where('guid', '=', 'g2').execute());
  expect(await counts.devices()).toEqual({ active: 2, quarantined: 0, revoked: 0 });
});

test('requests and jobs are counted anew after any commit, and when a request expires', async () => {
  expect(await counts.work()).toEqual({ waiting: 0, running: 0, queued: 0 });
  await open.store.write(async ({ db }) => {
    await db
      .insertInto('enrolment_code')
      .values(codeRow('code', now, now + 9_000))
      .execute();
    for (const [id, expires] of [
      ['a', now + 1_000],
      ['b', now + 2_000],
    ] as const)
      await db
        .insertInto('approval')
        .values({ ...approvalRow(id, 'code', now, expires), state: 'waiting' })
        .execute();
    await db
      .insertInto('job')
      .values([jobRow('r', now, null), { ...jobRow('q', now, null), state: 'queued' }, jobRow('f', now, now)])
      .execute();
  });
  expect(await counts.work()).toEqual({ waiting: 2, running: 1, queued: 1 });
  now += 1_000;
  expect((await counts.work()).waiting).toBe(1);
  now += 1_000;
  expect((await counts.work()).waiting).toBe(0);
});
