/** Ten thousand random and mutated frames, over real sockets: none of them crashes the engine, and nothing of them stays. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readFrame } from '../../../src/daemon/channel/frame-reader.ts';
import { fromAgent } from '../../../src/protocol/frame.ts';
import { type TestAgent, TestAgents, type TestDevice, until } from '../agents.ts';
import { said } from './random-frames.ts';

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

let agents: TestAgents;
let device: TestDevice;
beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  device = await agents.enrol('web1');
});
afterEach(() => agents.close());

test('whatever text comes is a frame or a problem, never an exception', () => {
  const text = said.map((one) => one.toString());
  const property = fc.property(text, (one) => {
    const { frame: read, problem } = readFrame(one);
    if (read) expect(fromAgent.parse(JSON.parse(one))).toEqual(read);
    else expect(Buffer.byteLength(problem)).toBeLessThan(124);
  });
  fc.assert(property, { numRuns: 20_000 });
});

test('ten thousand frames leave the engine as it was', { timeout: 300_000 }, async () => {
  const healthy = await agents.connect(await agents.enrol('healthy'));
  const COUNT = 10_000;
  const frames = fc.sample(said, COUNT);
  let agent: TestAgent | undefined;
  let closed = 0;
  const speak = async (from: number, to: number): Promise<void> => {
    for (const one of frames.slice(from, to)) {
      agent ??= await agents.connect(device);
      agent.send(one);
      const taken = await Promise.race([agent.settled().then(() => true), agent.closed.then(() => false)]);
      if (taken) continue;
      closed++;
      agent = undefined;
    }
    await agents.store.write(async () => {});
    collectGarbage();
  };
  // The first thousand fill caches and compile what is to be compiled.
  await speak(0, 1_000);
  const before = process.memoryUsage().heapUsed;
  await speak(1_000, COUNT);
  const grown = process.memoryUsage().heapUsed - before;
  expect(closed).toBeGreaterThan(COUNT / 4);
  expect(closed).toBeLessThan(COUNT);
  // Ten thousand connections that stayed would be a hundred times as much.
  expect(grown).toBeLessThan(16 * 1024 * 1024);
  await healthy.settled();
  expect(agents.channels.count).toBeLessThanOrEqual(2);
  await until(async () => (await agents.connections()) <= 2);
});

test('bytes that are no WebSocket frames close the connection and nothing else', {
  timeout: 120_000,
}, async () => {
  const healthy = await agents.connect(await agents.enrol('healthy'));
  const path = agents.path(device);
  const handshake = [
    `GET ${path} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    'Sec-WebSocket-Protocol: borealis-agent-1',
    '\r\n',
  ].join('\r\n');
  // The last two bytes claim a length that never comes; the rest is refused at once.
  const bytes = fc.uint8Array({ minLength: 2, maxLength: 200 });
  for (const garbage of fc.sample(bytes, 1_000)) {
    const socket = connect(agents.port, '127.0.0.1');
    socket.on('error', () => {
      // A reset is as good as a close.
    });
    socket.resume();
    socket.write(handshake);
    socket.end(garbage);
    await once(socket, 'close');
  }
  await healthy.settled();
  expect(agents.channels.count).toBe(1);
  await until(async () => (await agents.connections()) === 1);
});
