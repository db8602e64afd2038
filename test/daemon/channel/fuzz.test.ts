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

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

let agents: TestAgents;
let device: TestDevice;
beforeEach(async () => {
  agents = await (await TestAgents.open()).start();
  device = await agents.enrol('web1');
});
afterEach(() => agents.close());

const corrId = fc.stringMatching(/^[A-Za-z0-9_-]{16,64}$/);
const at = fc.constant('2026-01-01T00:00:00.000Z');
const size = fc.nat();
const sample = fc.record({
  at,
  cpu_percent: fc.double({ min: 0, max: 100, noNaN: true }),
  load_1m: fc.constant(null),
  memory_used_bytes: size,
  memory_total_bytes: size,
  swap_used_bytes: fc.option(size),
  disk_used_bytes: fc.option(size),
  disk_total_bytes: fc.option(size),
  network_rx_bytes_per_s: fc.constant(null),
  network_tx_bytes_per_s: fc.constant(null),
  uptime_seconds: size,
  processes: fc.option(size),
});
const frame: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({ type: fc.constant('PING'), t: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  fc.record({ type: fc.constant('ACCEPTED'), corr_id: corrId }),
  fc.record({ type: fc.constant('RESULT'), corr_id: corrId, envelope: fc.string() }),
  fc.record({
    type: fc.constant('OUTPUT'),
    corr_id: corrId,
    seq: fc.nat(),
    stream: fc.constantFrom('stdout', 'stderr'),
    data: fc.string({ unit: 'binary', maxLength: 2_000 }),
  }),
  fc.record({ type: fc.constant('TELEMETRY'), sample }),
  fc.record({
    type: fc.constant('EVENT'),
    kind: fc.constantFrom('notice', 'started', 'stopping', 'signature_refused'),
    message: fc.string({ unit: 'binary', maxLength: 100 }),
    corr_id: fc.constant(null),
  }),
  fc.record({ type: fc.constantFrom('HELLO', 'INVENTORY', 'WELCOME', 'COMMAND', '__proto__') }),
);
/** A frame with one thing wrong: a key gone, one too many, a value of another kind, letters changed, the end cut off. */
const mutated = fc.tuple(frame, fc.nat(), fc.nat(5), fc.jsonValue()).map(([whole, where, how, value]) => {
  const keys = Object.keys(whole);
  const key = keys[where % keys.length]!;
  const text = JSON.stringify(whole);
  const index = where % text.length;
  if (how === 0) return JSON.stringify({ ...whole, [key]: undefined });
  if (how === 1) return JSON.stringify({ ...whole, [`${key}_`]: value });
  if (how === 2) return JSON.stringify({ ...whole, [key]: value });
  if (how === 3) return text.slice(0, index);
  if (how === 4)
    return `${text.slice(0, index)}${String.fromCharCode(where % 0xd800)}${text.slice(index + 1)}`;
  return text;
});
const said: fc.Arbitrary<string | Buffer> = fc.oneof(
  { weight: 8, arbitrary: mutated },
  { weight: 2, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)) },
);

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
