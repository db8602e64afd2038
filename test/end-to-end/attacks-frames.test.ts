/** What an enrolled agent says that is no frame: its own channel is closed for it, and nothing else happens. */
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLOSE, FRAME_MAX_BYTES } from '../../src/protocol/frame.ts';
import { frame, said } from '../daemon/channel/random-frames.ts';
import { RawAgent } from '../daemon/raw-agent.ts';
import { openDescriptors, residentBytes } from '../lab/proc.ts';
import { Place, type Process } from '../lab/processes.ts';
import { RawChannel } from '../lab/raw-channel.ts';
import { requires } from '../require.ts';

let place: Place;
let engine: Process;
let agent: RawAgent;
let neighbour: RawChannel;
beforeEach(async () => {
  place = new Place();
  engine = await place.startEngine([], { BOREALIS_ENROL_REQUESTS_PER_MINUTE: '1000' });
  agent = await enrolled();
  neighbour = await RawChannel.welcomed(await enrolled());
});
afterEach(() => place.dispose());

const enrolled = async (): Promise<RawAgent> => {
  const made = new RawAgent((await place.code({ auto_approve: true })).link);
  await made.enrol();
  return made;
};

test('what is no frame closes the channel, with a code that says why; the neighbour notices nothing', async () => {
  const ping = { type: 'PING', t: 1 };
  const closing: readonly (readonly [
    what: string,
    frame: Record<string, unknown> | string | Buffer,
    code: number,
  ])[] = [
    ['over the size limit', 'x'.repeat(FRAME_MAX_BYTES + 1), CLOSE.tooLarge],
    ['over the size limit, and else right', { ...ping, pad: 'x'.repeat(FRAME_MAX_BYTES) }, CLOSE.tooLarge],
    ['cut off', JSON.stringify(ping).slice(0, -3), CLOSE.malformed],
    ['not JSON', 'PING', CLOSE.malformed],
    ['empty', '', CLOSE.malformed],
    ['binary', Buffer.from(JSON.stringify(ping)), CLOSE.malformed],
    ['of an unknown type', { type: 'REBOOT' }, CLOSE.malformed],
    ['the engine’s to say', { type: 'RESULT_ACK', corr_id: 'x'.repeat(16) }, CLOSE.malformed],
    ['with a value of another type', { ...ping, t: '1' }, CLOSE.malformed],
    ['with a key too many', { ...ping, x: 1 }, CLOSE.malformed],
    ['an array', '[{"type":"PING","t":1}]', CLOSE.malformed],
    ['nested deeply', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, CLOSE.malformed],
    [
      'a value nested deeply',
      `{"type":"PING","t":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      CLOSE.malformed,
    ],
  ];
  for (const [what, frame, code] of closing) {
    const channel = await RawChannel.welcomed(agent);
    channel.send(frame);
    expect([what, (await channel.closed).code]).toEqual([what, code]);
  }
  const early = await RawChannel.open(agent);
  early.send(ping);
  expect((await early.closed).code).toBe(CLOSE.malformed);
  const twice = await RawChannel.welcomed(agent);
  twice.send(twice.hello());
  expect((await twice.closed).code).toBe(CLOSE.malformed);
  const another = await RawChannel.open(agent);
  another.send({ ...another.hello(), guid: randomUUID() });
  expect((await another.closed).code).toBe(CLOSE.unauthorised);
  expect(await neighbour.settled()).toBe(true);
});

test('a frame whose end never comes, and bytes that are no WebSocket, end with their connection', async () => {
  const text = (length: number): Buffer =>
    // RFC 6455 §5.2: a masked text frame that claims to be longer than it is.
    Buffer.concat([
      Buffer.of(0x81, 0x80 | 126, length >> 8, length & 0xff),
      randomBytes(4),
      randomBytes(100),
    ]);
  for (const bytes of [
    text(60_000),
    randomBytes(200),
    Buffer.of(0x81, 0xff, ...Array(8).fill(0xff)),
    Buffer.of(0),
  ]) {
    const { socket, status } = await agent.channel();
    expect(status).toBe(101);
    socket.on('error', () => {
      // A reset is as good as a close.
    });
    socket.resume();
    socket.end(bytes);
    await once(socket, 'close');
  }
  expect(await neighbour.settled()).toBe(true);
  expect((await RawChannel.welcomed(agent)).socket.readyState).toBe(1);
});

test('ten thousand random and mutated frames: no crash, no leak', {
  ...requires('linux'),
  timeout: 180_000,
}, async () => {
  const WARM = 2_000;
  const AGENTS = 100;
  // Each that is none costs a new channel, so whole ones are mixed in.
  const whole = frame.map((one) => JSON.stringify(one));
  const mixed = fc.oneof({ weight: 3, arbitrary: whole }, { weight: 2, arbitrary: said });
  const frames = fc.sample(mixed, 10_000);
  const pid = engine.child.pid!;
  // An agent may open so many channels a minute (replay-window.ts); four at once keep both ends busy.
  const { link } = await place.code({ auto_approve: true, uses: AGENTS });
  const agents = Array.from({ length: AGENTS }, () => new RawAgent(link));
  for (const one of agents) await one.enrol();
  let turn = 0;
  let closed = 0;
  const speak = async (from: number, to: number): Promise<void> => {
    let next = from;
    const talk = async (): Promise<void> => {
      let channel: RawChannel | undefined;
      while (next < to) {
        const text = frames[next++]!;
        channel ??= await RawChannel.welcomed(agents[turn++ % AGENTS]!, { resume: true });
        if (next % 1_000 === 0) expect(await neighbour.settled()).toBe(true);
        channel.send(text);
        if (await channel.settled()) continue;
        closed++;
        channel = undefined;
      }
      channel?.socket.terminate();
    };
    await Promise.all([talk(), talk(), talk(), talk()]);
    await place.client.call('status.show', {});
  };
  await speak(0, WARM);
  const before = { memory: residentBytes(pid), descriptors: openDescriptors(pid) };
  await speak(WARM, frames.length);
  expect(engine.running).toBe(true);
  expect(await neighbour.settled()).toBe(true);
  expect(closed).toBeGreaterThan(1_000);
  // Connections with their TLS that stayed would be more. What is smaller, the heap of daemon/channel/fuzz.test.ts shows.
  expect(residentBytes(pid) - before.memory).toBeLessThan(80 * 1_048_576);
  // Closed sockets are gone once the engine's loop has turned.
  while (openDescriptors(pid) > before.descriptors + 4) await place.client.call('user.me', {});
  expect(await place.client.call('audit.verify', {})).toMatchObject({ intact: true });
  expect((await engine.kill('SIGTERM')).code).toBe(0);
  expect(engine.stderr).not.toMatch(/"level":"(error|fatal)"/);
});
