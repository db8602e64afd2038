/** The engine's end of relays, and devices that say what they like. Who connects is who the test says. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Relay } from '../../../src/daemon/tunnels/relay.ts';
import { CHANNEL_PROTOCOL, CLOSE } from '../../../src/protocol/frame.ts';
import { readPackets, writePackets } from '../../../src/protocol/relay-packets.ts';
import type { AgentContext } from '../../../src/protocol/scalars.ts';
import { RELAY_MESSAGE_MAX, RELAY_PROTOCOL, relayHello } from '../../../src/protocol/tunnel-session.ts';
import { publicKeyOf } from '../../../src/wg/keys.ts';
import { until } from '../agents.ts';

let wireGuard: Socket;
let server: Server;
let relay: Relay;
const open = new Set(['a', 'b']);
const probes = new Map<string, string | null>();
const sockets: WebSocket[] = [];

beforeEach(async () => {
  wireGuard = createSocket('udp4').bind(0, '127.0.0.1');
  await once(wireGuard, 'listening');
  relay = new Relay({
    port: wireGuard.address().port,
    isOpen: (guid) => open.has(guid),
    probed: (guid, key) => probes.set(guid, key),
    log: pino({ level: 'silent' }),
  });
  server = createServer().listen(0, '127.0.0.1');
  server.on('upgrade', (request, socket, head) => {
    const [guid, context] = request.url!.slice(1).split('/') as [string, AgentContext];
    const publicKey = new Uint8Array(32);
    relay.accept(request, socket, head, {
      guid,
      context,
      deviceName: guid,
      publicKey,
      certificateExpiresAt: 0,
    });
  });
  await once(server, 'listening');
});
afterEach(() => {
  relay.close();
  for (const socket of sockets.splice(0)) socket.terminate();
  server.close();
  wireGuard.close();
  probes.clear();
});

const dial = (guid: string, { context = 'system', protocol = RELAY_PROTOCOL } = {}): WebSocket => {
  const { port } = server.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${guid}/${context}`, protocol);
  socket.on('error', () => undefined); // told by what follows: a refusal, a close
  sockets.push(socket);
  return socket;
};
const refusal = async (socket: WebSocket): Promise<number | undefined> => {
  const [, response] = await once(socket, 'unexpected-response');
  return (response as { statusCode?: number }).statusCode;
};
/** An open one, greeted. */
const relayed = async (guid: string): Promise<{ socket: WebSocket; probeKey: string }> => {
  const socket = dial(guid);
  const [hello] = await once(socket, 'message');
  return { socket, probeKey: relayHello.parse(JSON.parse(String(hello))).probe_key };
};
const packet = (text: string): Buffer => {
  const data = Buffer.alloc(64);
  data[0] = 4;
  data.write(text, 16);
  return data;
};
const textOf = (data: Buffer): string => data.subarray(16).toString().replaceAll('\0', '');

describe('is refused to', () => {
  test('a device without a tunnel', async () => expect(await refusal(dial('c'))).toBe(409));
  test('the agent of another context', async () =>
    expect(await refusal(dial('a', { context: 'user' }))).toBe(409));
  test('who speaks another protocol', async () =>
    expect(await refusal(dial('a', { protocol: CHANNEL_PROTOCOL }))).toBe(400));
});

describe('packets', () => {
  test('pass both ways, in order, many in a message', async () => {
    const { socket } = await relayed('a');
    const words = ['one', 'two', 'three'];
    const heard: string[] = [];
    let port = 0;
    const all = Promise.withResolvers<void>();
    wireGuard.on('message', (data, from) => {
      port = from.port;
      if (heard.push(textOf(data)) === words.length) all.resolve();
    });
    socket.send(writePackets(words.map(packet)));
    await all.promise;
    expect(heard).toEqual(words);
    expect([...relay.ports]).toEqual([port]);

    const back: string[] = [];
    for (const word of words) wireGuard.send(packet(word), port, '127.0.0.1');
    while (back.length < words.length) {
      const [message] = await once(socket, 'message');
      back.push(...readPackets(message as Buffer)!.map(textOf));
    }
    expect(back).toEqual(words);
  });

  test('of a device come from a port of its own, and what is sent there goes to nobody else', async () => {
    const [a, b] = [await relayed('a'), await relayed('b')];
    const ports = new Map<string, number>();
    wireGuard.on('message', (data, { port }) => ports.set(textOf(data), port));
    const heard = once(wireGuard, 'message').then(() => once(wireGuard, 'message'));
    a.socket.send(writePackets([packet('a')]));
    b.socket.send(writePackets([packet('b')]));
    await heard;
    expect(ports.get('a')).not.toBe(ports.get('b'));
    const told: string[] = [];
    a.socket.on('message', (message: Buffer) => told.push(...readPackets(message)!.map(textOf)));
    const forB = once(b.socket, 'message');
    wireGuard.send(packet('for b'), ports.get('b')!, '127.0.0.1');
    expect(readPackets((await forB)[0] as Buffer)!.map(textOf)).toEqual(['for b']);
    expect(told).toEqual([]);
  });

  test('of others on this machine are not passed on', async () => {
    const { socket } = await relayed('a');
    const heard: string[] = [];
    socket.on('message', (message: Buffer) => heard.push(...readPackets(message)!.map(textOf)));
    const [port] = relay.ports;
    const stranger = createSocket('udp4');
    for (let sent = 0; sent < 10; sent += 1) stranger.send(packet('stranger'), port!, '127.0.0.1');
    await new Promise<void>((resolve) =>
      stranger.send(packet('stranger'), port!, '127.0.0.1', () => resolve()),
    );
    const own = once(socket, 'message');
    wireGuard.send(packet('own'), port!, '127.0.0.1');
    await own;
    expect(heard).toEqual(['own']);
    stranger.close();
  });
});

describe('is closed to who sends', () => {
  const cut = writePackets([packet('x')]).subarray(0, 20);
  const foreign = writePackets([Buffer.alloc(64, 9)]);
  const short = writePackets([Buffer.from([4, 0, 0, 0])]);
  test.each([
    ['text', 'hello'],
    ['a packet that is cut off', cut],
    ['what is no packet of WireGuard', foreign],
    ['a packet that is too short for one', short],
  ])('%s', async (_, data) => {
    const { socket } = await relayed('a');
    socket.send(data);
    expect((await once(socket, 'close'))[0]).toBe(CLOSE.malformed);
    await until(() => probes.get('a') === null);
  });

  test('more than a message may hold', async () => {
    const { socket } = await relayed('a');
    socket.send(Buffer.alloc(RELAY_MESSAGE_MAX + 1));
    expect((await once(socket, 'close'))[0]).toBe(1009);
  });
});

describe('a key for probes', () => {
  test('is made by the engine, for each relay, and counts as long as that is open', async () => {
    const first = await relayed('a');
    expect(probes.get('a')).toBe(publicKeyOf(first.probeKey));
    const second = await relayed('a');
    expect((await once(first.socket, 'close'))[0]).toBe(CLOSE.superseded);
    expect(second.probeKey).not.toBe(first.probeKey);
    expect(probes.get('a')).toBe(publicKeyOf(second.probeKey));
    relay.end('a');
    await once(second.socket, 'close');
    await until(() => probes.get('a') === null && relay.ports.size === 0);
  });
});
