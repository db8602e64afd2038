import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { TYPED_MESSAGE_MAX, typedMessage } from '../../src/client/typed-message.ts';

test('what is typed is understood by a server that others wrote, whatever its length', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'borealis-typed-'));
  const path = join(directory, 'socket');
  const http = createServer().listen(path);
  await once(http, 'listening');
  const server = new WebSocketServer({ server: http });
  const heard: Buffer[] = [];
  const done = Promise.withResolvers<void>();
  server.on('connection', (ws) => {
    ws.on('error', done.reject);
    ws.on('message', (data, binary) => {
      if (!binary) done.reject(new Error('as text'));
      heard.push(data as Buffer);
      if (heard.length > TYPED_MESSAGE_MAX) done.resolve();
    });
  });
  const socket = connect(path);
  const client = new WebSocket('ws://borealis/', { createConnection: () => socket });
  client.on('error', done.reject);
  await once(client, 'open');
  const typed = Array.from({ length: TYPED_MESSAGE_MAX + 1 }, (_, length) => Buffer.alloc(length, length));
  for (const bytes of typed) socket.write(typedMessage(bytes));
  await done.promise;
  expect(heard).toEqual(typed);
  client.terminate();
  http.close();
  rmSync(directory, { recursive: true });
});

test('it is masked differently each time, for longer than masks are drawn at once', () => {
  const seen = new Set(Array.from({ length: 3_000 }, () => typedMessage(Buffer.from('key')).toString('hex')));
  expect(seen.size).toBeGreaterThan(2_990);
});
