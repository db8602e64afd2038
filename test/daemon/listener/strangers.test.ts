/** Whoever fills the listener with connections that say nothing keeps nobody else out. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { networkOf } from '../../../src/daemon/listener/address.ts';
import { roomFor, STRANGERS_MAX } from '../../../src/daemon/listener/strangers.ts';
import { requires } from '../../require.ts';
import { AgentSide } from '../agent-side.ts';
import { RawAgent } from '../raw-agent.ts';

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  [null, { connections: Number.POSITIVE_INFINITY, strangers: STRANGERS_MAX }],
  [262_144, { connections: 261_632, strangers: STRANGERS_MAX }],
  [4_096, { connections: 3_584, strangers: 1_792 }],
  [1_024, { connections: 512, strangers: 256 }],
  [256, { connections: 64, strangers: 32 }],
])('of %s descriptors some are kept for operators', (descriptors, room) => {
  expect(roomFor(descriptors)).toEqual(room);
});

// All of 127.0.0.0/8 is this host on Linux only.
describe('with eight places for strangers', requires('linux'), () => {
  const opened: Socket[] = [];
  let engine: AgentSide | undefined;
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.destroy();
    await engine?.close();
    engine = undefined;
  });

  const start = async (): Promise<AgentSide> => {
    engine = await AgentSide.start({ room: { connections: 1_000, strangers: 8 } });
    return engine;
  };
  /** Connected, and says nothing. */
  const silent = async (from: string): Promise<Socket> => {
    const socket = connect({ ...engine!.listener.address!, localAddress: from });
    opened.push(socket);
    socket.on('error', () => {
      // A reset is as good as a close.
    });
    socket.resume();
    await once(socket, 'connect');
    return socket;
  };
  const closed = (socket: Socket): Promise<unknown> | undefined =>
    socket.closed ? undefined : once(socket, 'close');

  test('who has them all is refused one more, and gives up its oldest to others', async () => {
    const { link } = await (await start()).newCode();
    const crowd = [];
    for (let n = 0; n < 8; n++) crowd.push(await silent('127.0.0.2'));
    await closed(await silent('127.0.0.2'));
    const other = new RawAgent(link);
    opened.push(await other.connect());
    await closed(crowd[0]!);
    expect(crowd.slice(1).map((socket) => socket.closed)).toEqual(Array(7).fill(false));
  });

  test('many who have one each are not cut for one more', async () => {
    await start();
    const crowd = [];
    for (let n = 0; n < 8; n++) crowd.push(await silent(`127.0.0.${2 + n}`));
    await closed(await silent('127.0.0.20'));
    expect(crowd.map((socket) => socket.closed)).toEqual(Array(8).fill(false));
  });

  test('an agent that proved who it is takes none, and loses nothing', async () => {
    const { link } = await (await start()).newCode();
    const agent = new RawAgent(link);
    await agent.enrol();
    const { status, socket: channel } = await agent.channel();
    expect(status).toBe(101);
    for (let n = 0; n < 9; n++) await silent('127.0.0.2');
    await closed(opened.at(-1)!);
    expect(opened.filter((socket) => !socket.closed)).toHaveLength(8);
    expect(channel.closed).toBe(false);
    channel.destroy();
  });

  test('places are free again when their holders leave, each once', async () => {
    await start();
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 8; n++) await silent('127.0.0.2');
      await closed(await silent('127.0.0.2'));
      for (const socket of opened.splice(0)) socket.destroy();
      while (!(await shakesHands('127.0.0.2'))) {
        // The engine has not seen all of them leave yet.
      }
    }
  });

  /** False where it is cut before. */
  const shakesHands = async (from: string): Promise<boolean> => {
    const socket = connectTls({ socket: await silent(from), rejectUnauthorized: false });
    socket.on('error', () => {
      // A reset is as good as a close.
    });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.once('secureConnect', () => resolve(true)).once('close', () => resolve(false));
    const shook = await promise;
    socket.destroy();
    return shook;
  };
});
