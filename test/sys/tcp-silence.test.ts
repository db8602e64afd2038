import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { libc } from '../../src/sys/libc.linux.ts';
import { limitSilence } from '../../src/sys/tcp-silence.ts';
import { requires } from '../require.ts';

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: Uint32Array) => number;

/** As the kernel has it, in milliseconds. */
const userTimeout = (socket: Socket): number => {
  const { fd } = (socket as Socket & { _handle: { fd: number } })._handle;
  const value = Buffer.alloc(4);
  const call = libc().function<GetSockOpt>(
    'int getsockopt(int fd, int level, int option, void *value, _Inout_ uint32_t *length)',
  );
  expect(call(fd, 6, 18, value, Uint32Array.of(4))).toBe(0);
  return value.readUInt32LE(0);
};

describe('a TCP connection', requires('linux'), () => {
  const server = createServer();
  beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  afterAll(() => void server.close());

  test('ends where nothing is acknowledged for as long as was said', async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    expect(userTimeout(socket)).toBe(0);
    limitSilence(socket, 12_000);
    expect(userTimeout(socket)).toBe(12_000);
    socket.destroy();
    // Nothing is left to set it on.
    limitSilence(socket, 12_000);
  });
});
