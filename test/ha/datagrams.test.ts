/** Real sockets, on the loopback interface. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { openDatagrams } from '../../src/ha/datagrams.ts';
import { DATAGRAM_MAX } from '../../src/ha/platform.ts';

const [A, B] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
const key = randomBytes(32);

const opened = async (self: string, other: string, rest: { address?: string; port?: number } = {}) => {
  const datagrams = await openDatagrams({ port: 0, address: '127.0.0.1', key, self, other, ...rest });
  onTestFinished(() => datagrams.close());
  const heard: unknown[] = [];
  datagrams.onMessage((data) => heard.push(data));
  return { datagrams, heard };
};

type Opened = Awaited<ReturnType<typeof opened>>;
/** What the other one has heard, having been told once more. */
const afterSaying = (speaker: Opened, data: unknown, hearer: Opened): unknown[] => {
  speaker.datagrams.send(data);
  return hearer.heard;
};

const stranger = async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket;
};

test.each(['127.0.0.1', '::1'])(
  'words go to and fro over %s, the largest too, before the first was lost',
  async (address) => {
    const [a, b] = [await opened(A, B, { address }), await opened(B, A, { address })];
    const at = (port: number) => (address === '::1' ? `[::1]:${port}` : `${address}:${port}`);
    a.datagrams.send('to nobody');
    a.datagrams.turnTo(at(b.datagrams.port));
    b.datagrams.turnTo(at(a.datagrams.port));
    await expect.poll(() => afterSaying(a, { n: 1 }, b)).toContainEqual({ n: 1 });
    const largest = 'x'.repeat(DATAGRAM_MAX - 2);
    b.datagrams.send(largest);
    await expect.poll(() => a.heard).toEqual([largest]);
    expect(() => b.datagrams.send(`${largest}x`)).toThrow(/too many/);
    b.datagrams.turnTo(null);
    b.datagrams.send('to nobody');
    a.datagrams.send('still heard');
    await expect.poll(() => b.heard).toContain('still heard');
    expect(a.heard).toEqual([largest]);
  },
);

test('a process that begins anew at the same port is heard again, and hears', async () => {
  const [a, b] = [await opened(A, B), await opened(B, A)];
  const { port } = b.datagrams;
  a.datagrams.turnTo(`127.0.0.1:${port}`);
  b.datagrams.turnTo(`127.0.0.1:${a.datagrams.port}`);
  await expect.poll(() => afterSaying(b, 'first', a)).toContain('first');
  await b.datagrams.close();
  await b.datagrams.close();
  a.datagrams.send('to nobody');
  const again = await opened(B, A, { port });
  again.datagrams.turnTo(`127.0.0.1:${a.datagrams.port}`);
  await expect.poll(() => afterSaying(again, 'second', a)).toContain('second');
  await expect.poll(() => afterSaying(a, 'third', again)).toContain('third');
  expect(again.heard).not.toContain('to nobody');
});

test('with another key, whoever does not have it is heard no more, and hears no more', async () => {
  const [a, b] = [await opened(A, B), await opened(B, A)];
  a.datagrams.turnTo(`127.0.0.1:${b.datagrams.port}`);
  b.datagrams.turnTo(`127.0.0.1:${a.datagrams.port}`);
  await expect.poll(() => afterSaying(b, 'before', a)).toContain('before');
  const another = randomBytes(32);
  a.datagrams.rekey(another);
  b.datagrams.send('in vain');
  a.datagrams.send('a secret');
  await expect.poll(() => a.datagrams.ignored.foreign).toBeGreaterThan(0);
  b.datagrams.rekey(another);
  await expect.poll(() => afterSaying(b, 'after', a)).toContain('after');
  expect(a.heard).not.toContain('in vain');
  expect(b.heard).not.toContain('a secret');
});

test('strangers are counted, not answered, and disturb nobody', async () => {
  const [a, b] = [await opened(A, B), await opened(B, A)];
  a.datagrams.turnTo(`127.0.0.1:${b.datagrams.port}`);
  b.datagrams.turnTo(`127.0.0.1:${a.datagrams.port}`);
  const socket = await stranger();
  let answers = 0;
  socket.on('message', () => {
    answers += 1;
  });
  for (const bytes of [0, 1, 57, 58, 59, 1_400]) {
    for (let n = 0; n < 5; n++) socket.send(randomBytes(bytes), b.datagrams.port, '127.0.0.1');
  }
  await expect.poll(() => b.datagrams.ignored.foreign).toBe(30);
  await expect.poll(() => afterSaying(a, 'x', b)).toContain('x');
  expect(answers).toBe(0);
});

test('a port that is taken, an address that is not here', async () => {
  const { datagrams } = await opened(A, B);
  await expect(opened(B, A, { port: datagrams.port })).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringContaining(String(datagrams.port)),
    next: expect.stringContaining('ss '),
  });
  await expect(opened(B, A, { address: '192.0.2.1' })).rejects.toMatchObject({ code: 'HA_NO_INTERFACE' });
});
