import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Call, Handlers } from '../../../src/daemon/capability.ts';
import { BorealisError } from '../../../src/protocol/errors.ts';
import type { Event } from '../../../src/protocol/event.ts';
import { STREAM_CLOSE } from '../../../src/protocol/stream.ts';
import { problem } from '../engine.ts';
import { type Door, openDoor } from './door.ts';

let door: Door | undefined;
afterEach(async () => {
  await door?.close();
  door = undefined;
});

const event = (id: number, message = 'x'): Event => ({
  id,
  at: new Date(0).toISOString(),
  type: 'agent.event',
  device: null,
  guid: null,
  message,
  data: {},
});
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
const watching = (run: (call: Call) => AsyncIterable<Event>): Handlers<'event.watch'> => ({
  'event.watch': (_input, call) => run(call),
});

test('each message is one document, and the end is 1000', async () => {
  door = await openDoor(
    watching(async function* () {
      yield event(1);
      yield event(2);
    }),
  );
  const stream = door.watch('/events');
  expect(await stream.take(2)).toEqual([event(1), event(2)]);
  expect(await stream.closed).toEqual({ code: STREAM_CLOSE.done, reason: '' });
});

test('what is found wrong at once is answered before the stream begins', async () => {
  door = await openDoor(
    watching(async function* () {
      yield await Promise.reject<Event>(new BorealisError('DEVICE_NOT_FOUND'));
    }),
  );
  const answer = await door.watch('/events').refused;
  expect(answer.status).toBe(404);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(problem(answer).code).toBe('DEVICE_NOT_FOUND');
});

test('what goes wrong later is the last message', async () => {
  door = await openDoor(
    watching(async function* () {
      yield event(1);
      throw new BorealisError('WATCHER_TOO_SLOW');
    }),
  );
  const stream = door.watch('/events');
  await stream.next();
  expect(await stream.next()).toMatchObject({
    error: { code: 'WATCHER_TOO_SLOW', next: expect.any(String) },
  });
  expect(await stream.closed).toEqual({ code: STREAM_CLOSE.tooSlow, reason: 'WATCHER_TOO_SLOW' });
});

test('a fault of the engine says nothing of its inside, but the log does', async () => {
  door = await openDoor(
    watching(async function* () {
      yield event(1);
      throw new Error('the inside');
    }),
  );
  const stream = door.watch('/events');
  await stream.next();
  expect(JSON.stringify(await stream.next())).not.toContain('the inside');
  expect((await stream.closed).code).toBe(STREAM_CLOSE.failed);
  expect(door.lines.join()).toContain('the inside');
});

test('the handler hears at once that the watcher hung up', async () => {
  const ended = Promise.withResolvers<void>();
  door = await openDoor(
    watching(async function* (call) {
      yield event(1);
      await aborted(call.signal);
      ended.resolve();
    }),
  );
  const stream = door.watch('/events');
  await stream.next();
  stream.ws.terminate();
  await ended.promise;
});

describe('a watcher that does not read', () => {
  const MIB = 1_048_576;

  test('makes the handler wait, not the memory grow; what it reads later is whole', async () => {
    let made = 0;
    const total = 200;
    const message = 'm'.repeat(100_000);
    door = await openDoor(
      watching(async function* () {
        while (made < total) yield event(++made, message);
      }),
    );
    const stream = door.watch('/events');
    await stream.next();
    stream.ws.pause();
    // The kernel's buffers and ours fill; then nothing more is made.
    let before = -1;
    while (made !== before) {
      before = made;
      for (let i = 0; i < 50; i++) await door.call('GET', '/nothing');
    }
    expect(made).toBeLessThan(total);
    expect(made * message.length).toBeLessThan(4 * MIB);
    stream.ws.resume();
    const rest = await stream.take<Event>(total - 1);
    expect(rest.map(({ id }) => id)).toEqual(Array.from({ length: total - 1 }, (_, i) => i + 2));
    expect((await stream.closed).code).toBe(STREAM_CLOSE.done);
  });

  test('holds up neither others nor the end of the engine', async () => {
    door = await openDoor(
      watching(async function* () {
        for (let id = 1; ; id++) yield event(id, 'm'.repeat(100_000));
      }),
    );
    const stream = door.watch('/events');
    await stream.next();
    stream.ws.pause();
    expect((await door.call('GET', '/nothing')).status).toBe(404);
    await door.close();
    door = undefined;
    stream.ws.terminate();
  });
});

test('a watcher that answers no ping is cut off; one that does stays', async () => {
  door = await openDoor(
    watching(async function* (call) {
      yield event(1);
      await aborted(call.signal);
    }),
    { pingMs: 20 },
  );
  const lively = door.watch('/events');
  await lively.next();
  const dead = new WebSocket(`ws+unix://${door.path}:/api/v1/events`, { autoPong: false });
  const closed = new Promise<number>((resolve) => dead.on('close', resolve));
  expect(await closed).toBe(1006);
  // The engine hears of it in a turn of its own.
  while (door.api.streams > 1) await door.call('GET', '/nothing');
  expect(lively.ws.readyState).toBe(WebSocket.OPEN);
  await lively.close();
});

test('who loses the role loses the stream', async () => {
  door = await openDoor(
    watching(async function* (call) {
      yield event(1);
      await aborted(call.signal);
    }),
    { peers: { peerOf: () => ({ pid: 1, uid: 4_711, user: 'ada', groups: [] }) } },
  );
  expect(problem(await door.watch('/events').refused).code).toBe('STRANGER');
  door.grants.onChange(() => door?.api.recheck());
  door.grants.granted({ who: 'ada', project: '', role: 'viewer' });
  const stream = door.watch('/events');
  await stream.next();
  door.grants.granted({ who: 'ada', project: '', role: 'operator' });
  expect(door.api.streams).toBe(1);
  door.grants.revoked({ who: 'ada', project: '' });
  expect(await stream.closed).toEqual({ code: STREAM_CLOSE.forbidden, reason: 'NOT_PERMITTED' });
});

test('a caller that the kernel does not name gets nothing', async () => {
  door = await openDoor(
    watching(async function* () {
      yield event(1);
    }),
    {
      peers: {
        peerOf: () => {
          throw new Error('no credentials');
        },
      },
    },
  );
  expect(problem(await door.watch('/events').refused).code).toBe('IDENTITY_UNPROVEN');
  expect(problem(await door.call('GET', '/me')).code).toBe('IDENTITY_UNPROVEN');
  const record = await door.store.read.selectFrom('audit').selectAll().orderBy('seq').executeTakeFirst();
  expect(record).toMatchObject({ actor: 'unknown', action: 'event.watch', result: 'IDENTITY_UNPROVEN' });
});
