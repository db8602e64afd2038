import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentLink } from '../../../src/daemon/shells/agent-link.ts';
import { Turns } from '../../../src/daemon/shells/turns.ts';
import { encodeOutput } from '../../../src/protocol/agent-port-codec.ts';
import { until } from '../agents.ts';

let server: Server;
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => void server.close());

/** A link, its other end, and what it hears. */
const linked = async (turns = new Turns()) => {
  const came = once(server, 'connection') as Promise<[Socket]>;
  const heard: Buffer[] = [];
  const closed = Promise.withResolvers<number>();
  const size = (): number => heard.reduce((sum, { length }) => sum + length, 0);
  const link = new AgentLink({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, turns, {
    connected: () => {},
    frame: (frame) => void (frame.type === 'OUTPUT' && heard.push(frame.bytes)),
    drained: () => {},
    closed: () => closed.resolve(size()),
  });
  const [device] = await came;
  device.on('error', () => {});
  return { link, device, heard, size, closed: closed.promise };
};

const PIECE = Buffer.alloc(50_000, 'flood');

test('a device that says much and ends at once is heard to its end', async () => {
  const { device, heard, closed } = await linked();
  let offset = 0;
  for (let count = 0; count < 40; count++, offset += PIECE.length) device.write(encodeOutput(offset, PIECE));
  device.end(encodeOutput(offset, Buffer.from('last words')));
  expect(await closed).toBe(40 * PIECE.length + 10);
  expect(Buffer.concat(heard).toString().endsWith('last words')).toBe(true);
});

test('while it is held nothing more is heard, then all of it', async () => {
  const { link, device, size, closed } = await linked();
  link.hold();
  let offset = 0;
  for (let count = 0; count < 400; count++, offset += PIECE.length) device.write(encodeOutput(offset, PIECE));
  device.end();
  // The device has more to say than the kernel's buffers take.
  await until(() => device.bytesWritten > 0 && device.writableLength > 0);
  expect(size()).toBe(0);
  link.release();
  expect(await closed).toBe(400 * PIECE.length);
});

test('what was heard stays as it is when more comes', async () => {
  const { device, heard } = await linked();
  for (const [offset, text] of ['one', 'two', 'six'].entries()) {
    device.write(encodeOutput(offset * 3, Buffer.from(text)));
    await until(() => heard.length === offset + 1);
  }
  expect(heard.map(String)).toEqual(['one', 'two', 'six']);
  device.destroy();
});
