/** A local port to another one: whole, both ways, each side's end by itself, as fast as the slower side reads. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { dialTcp, LocalForward } from '../../../src/commands/local/forward.ts';
import { until } from '../../daemon/agents.ts';

let far: Server;
let forward: LocalForward;
let moved = 0;
const failures: unknown[] = [];

afterEach(() => {
  forward.close();
  far.close();
});

/** A connection to a forward to a server that does this; and that server's end of it, once it is there. */
const through = async (serve: (socket: Socket) => void): Promise<Socket> => {
  moved = 0;
  far = createServer({ allowHalfOpen: true }, serve).listen(0, '127.0.0.1');
  await once(far, 'listening');
  const { port } = far.address() as AddressInfo;
  forward = new LocalForward(() => dialTcp({ address: '127.0.0.1', port }), {
    moved: (bytes) => {
      moved += bytes;
    },
    failed: (error) => failures.push(error),
  });
  const local = await forward.listen({ host: '127.0.0.1', port: 0 });
  return connect({ port: local, host: '127.0.0.1', allowHalfOpen: true });
};
const hashOf = async (socket: Socket): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

test('much of it comes whole, in both directions at once', async () => {
  const [there, back] = [randomBytes(24 * 2 ** 20), randomBytes(24 * 2 ** 20)];
  const digests = [there, back].map((data) => createHash('sha256').update(data).digest('hex'));
  const arrived = Promise.withResolvers<string>();
  const near = await through((socket) => {
    hashOf(socket).then(arrived.resolve, arrived.reject);
    socket.end(back);
  });
  near.end(there);
  expect([await arrived.promise, await hashOf(near)]).toEqual(digests);
  expect(moved).toBe(there.length + back.length);
});

test('small pieces without a pause come whole', async () => {
  const near = await through((socket) => socket.pipe(socket));
  const piece = randomBytes(700);
  const hash = createHash('sha256');
  const write = async (): Promise<void> => {
    for (let written = 0; written < 20_000; written += 1) {
      hash.update(piece);
      if (!near.write(piece)) await once(near, 'drain');
    }
    near.end();
  };
  const [digest] = await Promise.all([hashOf(near), write()]);
  expect(digest).toBe(hash.digest('hex'));
});

test('one side’s end is passed on while the other goes on', async () => {
  const near = await through((socket) => {
    let heard = '';
    socket.on('data', (data: Buffer) => {
      heard += data;
    });
    socket.on('end', () => socket.end(`you said ${heard}`));
  });
  near.end('hello');
  let answer = '';
  for await (const data of near) answer += data;
  expect(answer).toBe('you said hello');
});

test('a side that does not read holds the other, and nothing piles up', async () => {
  const accepted = Promise.withResolvers<Socket>();
  const near = await through((socket) => accepted.resolve(socket.pause()));
  const reader = await accepted.promise;
  const data = Buffer.alloc(64 * 2 ** 20);
  near.write(data);
  // What the kernel holds at both sockets is all that leaves; then it stands still.
  let before = -1;
  while (moved !== before) {
    before = moved;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(moved).toBeLessThan(data.length);
  let heard = 0;
  reader.on('data', (chunk: Buffer) => {
    heard += chunk.length;
    if (heard === data.length) near.end();
  });
  reader.resume();
  await once(reader, 'end');
  expect(heard).toBe(data.length);
  reader.end();
});

test('nor where it is the device’s that sends; then all of it comes', async () => {
  const data = randomBytes(64 * 2 ** 20);
  const near = await through((socket) => socket.end(data));
  near.pause();
  let before = -1;
  while (moved !== before || moved === 0) {
    before = moved;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(moved).toBeLessThan(data.length);
  expect(await hashOf(near)).toBe(createHash('sha256').update(data).digest('hex'));
  near.end();
});

test('what goes to a stream that is no socket is not written over while that has it', async () => {
  const data = randomBytes(8 * 2 ** 20);
  const idle = await through((socket) => socket.end(data));
  idle.destroy();
  const held: Buffer[] = [];
  const near = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      held.push(chunk);
      done();
    },
  });
  const ended = once(near, 'finish');
  void forward.serve(near);
  await ended;
  expect(Buffer.concat(held).equals(data)).toBe(true);
  near.push(null);
});

test('a side that breaks off breaks the other off', async () => {
  const near = await through((socket) => {
    socket.write('x');
    socket.once('data', () => socket.resetAndDestroy());
  });
  near.once('data', () => near.write('y'));
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => near.once('error', resolve));
  expect(error.code).toBe('ECONNRESET');
  await until(() => forward.connections === 0);
});
