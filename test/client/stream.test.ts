import { afterEach, beforeEach, expect, test } from 'vitest';
import { Client } from '../../src/client/client.ts';
import type { BorealisError } from '../../src/protocol/errors.ts';
import { STREAM_CLOSE } from '../../src/protocol/stream.ts';
import { Door } from './door.ts';

let door: Door;
let client: Client;
beforeEach(async () => {
  door = await new Door().open();
  client = new Client(door.socket);
});
afterEach(() => door.close());

const read = async (signal?: AbortSignal): Promise<{ ids: number[]; error: BorealisError | null }> => {
  const ids: number[] = [];
  try {
    for await (const { id } of client.stream(
      'event.watch',
      { after: 3, type: ['job.created', 'job.finished'] },
      signal,
    ))
      ids.push(id);
    return { ids, error: null };
  } catch (error) {
    return { ids, error: error as BorealisError };
  }
};

test('every message, in order, to the end; the input travels in the query', async () => {
  let url: string | undefined;
  door.stream = (ws, request) => {
    url = request.url;
    for (let id = 0; id < 2_000; id++) ws.send(JSON.stringify({ id }));
    ws.close(STREAM_CLOSE.done);
  };
  const { ids, error } = await read();
  expect(error).toBeNull();
  expect(ids).toEqual(Array.from({ length: 2_000 }, (_, id) => id));
  expect(url).toBe('/api/v1/events?after=3&type=job.created&type=job.finished');
});

test.each([
  ['the engine stops', STREAM_CLOSE.goingAway, 'ENGINE_STARTING'],
  ['the role was taken away', STREAM_CLOSE.forbidden, 'NOT_PERMITTED'],
  ['the watcher was too slow', STREAM_CLOSE.tooSlow, 'WATCHER_TOO_SLOW'],
])('what came is delivered, then it is said that %s', async (_, code, expected) => {
  door.stream = (ws) => {
    ws.send('{"id":1}');
    ws.close(code);
  };
  const { ids, error } = await read();
  expect(ids).toEqual([1]);
  expect(error?.code).toBe(expected);
});

test('a failure within the stream is the error that it names', async () => {
  door.stream = (ws) => {
    ws.send(
      JSON.stringify({ error: { code: 'JOB_NOT_FOUND', message: 'There is no such job.', next: 'Look.' } }),
    );
    ws.close(STREAM_CLOSE.failed);
  };
  expect((await read()).error).toMatchObject({ code: 'JOB_NOT_FOUND', next: 'Look.', exit: 3 });
});

test('a connection that breaks off', async () => {
  door.stream = (ws) => ws.send('{"id":1}', () => ws.terminate());
  const { ids, error } = await read();
  expect(ids).toEqual([1]);
  expect(error?.code).toBe('ENGINE_UNREACHABLE');
});

test('a stream that is refused before it begins', async () => {
  // Nobody upgrades on a plain answer: the server has no listener for it then.
  await door.close();
  expect((await read()).error).toMatchObject({ code: 'ENGINE_UNREACHABLE', exit: 5 });
  door = await new Door().open();
});

test('the watcher ends it: the connection is closed, nothing fails', async () => {
  const stop = new AbortController();
  const closed = new Promise<void>((resolve) => {
    door.stream = (ws) => {
      ws.on('close', () => resolve());
      ws.send('{"id":1}', () => stop.abort());
    };
  });
  const { error } = await read(stop.signal);
  expect(error).toBeNull();
  await closed;
});

test('whoever stops reading closes the connection', async () => {
  const closed = new Promise<void>((resolve) => {
    door.stream = (ws) => {
      ws.on('close', () => resolve());
      ws.send('{"id":1}');
    };
  });
  for await (const _ of client.stream('event.watch', {})) break;
  await closed;
});
