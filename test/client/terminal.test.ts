import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { Client } from '../../src/client/client.ts';
import { BorealisError } from '../../src/protocol/errors.ts';
import type { ShellNotice } from '../../src/protocol/shell.ts';
import { STREAM_CLOSE, TERMINAL_MESSAGE_MAX } from '../../src/protocol/stream.ts';
import { Door } from './door.ts';

let door: Door;
let client: Client;
beforeEach(async () => {
  door = await new Door().open();
  client = new Client(door.socket);
});
afterEach(() => door.close());

const open = (signal?: AbortSignal) =>
  client.terminal('shell.attach', { shell: 'abc', cols: 100, read_only: true }, signal);
const resized = (cols: number): string => JSON.stringify({ type: 'resized', cols, rows: 24 });

/** The other end, once it is there. */
const opened = async (signal?: AbortSignal) => {
  const there = Promise.withResolvers<{ ws: WebSocket; url: string | undefined }>();
  door.stream = (ws, { url }) => there.resolve({ ws, url });
  const terminal = await open(signal);
  return { terminal, ...(await there.promise) };
};

const failure = async (work: Promise<unknown>): Promise<BorealisError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof BorealisError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};

test('bytes and notices come in their order, also those that come with the answer', async () => {
  let url: string | undefined;
  door.stream = (ws, request) => {
    url = request.url;
    for (let at = 0; at < 1_000; at++) {
      ws.send(resized(at));
      ws.send(Buffer.from(`bytes ${at}`));
    }
    ws.close(STREAM_CLOSE.done);
  };
  const told: string[] = [];
  for await (const message of (await open()).messages())
    told.push(Buffer.isBuffer(message) ? String(message) : String((message as { cols?: number }).cols));
  expect(told).toEqual(Array.from({ length: 1_000 }, (_, at) => [String(at), `bytes ${at}`]).flat());
  expect(url).toBe('/api/v1/shells/abc/attach?cols=100&read_only=true');
});

test('an echo is handed over as it comes, but never before what waits', async () => {
  const { terminal, ws } = await opened();
  const told: string[] = [];
  let takes = true;
  const busy = Promise.withResolvers<void>();
  const read = (async () => {
    const atOnce = (bytes: Buffer): boolean => takes && told.push(`at once ${bytes}`) > 0;
    for await (const message of terminal.messages(atOnce)) {
      told.push(Buffer.isBuffer(message) ? `waited ${message}` : 'notice');
      if (!Buffer.isBuffer(message)) await busy.promise;
    }
  })();
  const seen = (count: number) => expect.poll(() => told.length, { timeout: 60_000 }).toBe(count);
  ws.send(Buffer.from('a'));
  await seen(1);
  ws.send(resized(1));
  ws.send(Buffer.from('b'));
  ws.send(Buffer.from('c'));
  // Answered once all before it is there.
  ws.ping();
  await once(ws, 'pong');
  busy.resolve();
  await seen(4);
  takes = false;
  ws.send(Buffer.from('d'));
  await seen(5);
  takes = true;
  ws.send(Buffer.from('e'));
  await seen(6);
  expect(told).toEqual(['at once a', 'notice', 'waited b', 'waited c', 'waited d', 'at once e']);
  ws.close(STREAM_CLOSE.done);
  await read;
});

test('what is typed arrives whole, in messages that the engine takes; requests are text', async () => {
  const { terminal, ws } = await opened();
  const heard: (Buffer | string)[] = [];
  const asked = new Promise<void>((resolve) =>
    ws.on('message', (data: Buffer, binary) => {
      heard.push(binary ? data : String(data));
      if (!binary) resolve();
    }),
  );
  const pasted = Buffer.alloc(3 * TERMINAL_MESSAGE_MAX + 5, 'paste');
  terminal.type(pasted);
  terminal.ask({ type: 'resize', cols: 90, rows: 20 });
  await asked;
  expect(heard.pop()).toBe('{"type":"resize","cols":90,"rows":20}');
  expect(Buffer.concat(heard as Buffer[]).equals(pasted)).toBe(true);
  for (const piece of heard) expect(piece.length).toBeLessThanOrEqual(TERMINAL_MESSAGE_MAX);
  terminal.close();
});

test('an engine that reads nothing: the typist is told to wait, then goes on', async () => {
  const { terminal, ws } = await opened();
  let heard = 0;
  ws.on('message', (data: Buffer) => {
    heard += data.length;
  });
  ws.pause();
  const piece = Buffer.alloc(65_536, 'x');
  let sent = 0;
  do sent += piece.length;
  while (terminal.type(piece) && sent < 100_000_000);
  expect(sent).toBeLessThan(2_000_000);
  let drained = false;
  const waited = terminal.drained().then(() => {
    drained = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(drained).toBe(false);
  ws.resume();
  await waited;
  await expect.poll(() => heard).toBe(sent);
  expect(terminal.type(piece)).toBe(true);
  terminal.close();
});

test('nobody reads: what comes waits with the engine; then all of it is read', async () => {
  const { terminal, ws } = await opened();
  const piece = Buffer.alloc(65_536, 'y');
  const pieces = 512;
  for (let count = 0; count < pieces; count++) ws.send(piece);
  ws.close(STREAM_CLOSE.done);
  const messages = terminal.messages();
  let read = ((await messages.next()).value as Buffer).length;
  // More than the kernel and our own buffers hold is still with the other end.
  await expect.poll(() => ws.bufferedAmount > 0).toBe(true);
  const waiting = ws.bufferedAmount;
  await new Promise((resolve) => setImmediate(resolve));
  expect(waiting).toBeGreaterThan((pieces * piece.length) / 2);
  for await (const message of messages) read += (message as Buffer).length;
  expect(read).toBe(pieces * piece.length);
});

describe('ends', () => {
  const ending = async (end: (ws: WebSocket) => void): Promise<BorealisError> => {
    door.stream = (ws) => {
      ws.send(resized(1));
      end(ws);
    };
    const terminal = await open();
    const told: (Buffer | ShellNotice)[] = [];
    const error = await failure(
      (async () => {
        for await (const message of terminal.messages()) told.push(message);
      })(),
    );
    expect(told).toMatchObject([{ cols: 1 }]);
    return error;
  };

  test.each([
    ['the engine stops', STREAM_CLOSE.goingAway, 'ENGINE_STARTING'],
    ['the role was taken away', STREAM_CLOSE.forbidden, 'NOT_PERMITTED'],
  ])('with what came, then that %s', async (_, code, expected) =>
    expect(await ending((ws) => ws.close(code))).toMatchObject({ code: expected }),
  );
  test('with the error that the engine names', async () => {
    const error = { code: 'SHELL_ENDED', message: 'The shell has ended.', next: 'Replay it.' };
    expect(
      await ending((ws) => {
        ws.send(JSON.stringify({ error }));
        ws.close(STREAM_CLOSE.failed);
      }),
    ).toMatchObject({ code: 'SHELL_ENDED', next: 'Replay it.' });
  });
  test('with a connection that breaks off', async () => {
    const error = await ending((ws) => ws.ping('', false, () => ws.terminate()));
    expect(error.code).toBe('ENGINE_UNREACHABLE');
  });
  test('when it is left: nothing fails, the engine hears of it', async () => {
    const stop = new AbortController();
    const { terminal, ws } = await opened(stop.signal);
    const closed = new Promise<void>((resolve) => ws.on('close', () => resolve()));
    const first = terminal.messages().next();
    stop.abort();
    expect(await first).toMatchObject({ done: true });
    await closed;
    // Nobody is there for it any more.
    expect(terminal.type(Buffer.from('x'))).toBe(true);
    await terminal.drained();
  });
});

describe('does not begin', () => {
  test('where nobody listens', async () => {
    await door.close();
    expect(await failure(open())).toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    door = await new Door().open();
  });
  test('where it was given up before', async () => {
    expect(await failure(open(AbortSignal.abort()))).toMatchObject({ code: 'CANCELLED' });
  });
});
