/**
 * A third machine's view of a floating address: asks for it by ARP or neighbour solicitation, by ping, and at an echo of
 * UDP, over and over; tells, for each line that it hears, when each of the last questions that were answered was asked.
 *
 *   node watcher.ts 192.0.2.10/24 9000
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';
import { openFloatingAddress } from '../../../src/ha/floating-address.linux.ts';
import { bytesOf } from '../../../src/ha/interface.ts';
import { FAMILY } from '../../../src/sys/rtnetlink.linux.ts';
import { SOCK, Socket } from '../../../src/sys/socket.linux.ts';

/** Milliseconds of the machine's monotonic clock, the same in all its processes. 0: never. */
export interface Seen {
  neighbour: number;
  ping: number;
  udp: number;
}

const EACH_MS = 10;
const SILENCE_MS = 50;
const [wanted = '', port = ''] = process.argv.slice(2);
const address = wanted.split('/')[0]!;
const family = address.includes(':') ? 6 : 4;
const seen: Seen = { neighbour: 0, ping: 0, udp: 0 };
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

const askByUdp = (): void => {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  socket.on('message', (message) => {
    seen.udp = Math.max(seen.udp, Number(message));
  });
  socket.on('error', () => undefined); // nobody answers, as may be
  setInterval(() => socket.send(String(now()), Number(port), address), EACH_MS);
};

/** RFC 792, RFC 4443 §4. */
const ECHO = { 4: { protocol: 1, request: 8, reply: 0 }, 6: { protocol: 58, request: 128, reply: 129 } }[
  family
];
const PAYLOAD = 8;

const askByPing = (): void => {
  const socket = new Socket(FAMILY[family], SOCK.raw, ECHO.protocol, 2_048);
  const bytes = bytesOf(address);
  const to = Buffer.alloc(family === 4 ? 16 : 28);
  to.writeUInt16LE(FAMILY[family], 0);
  bytes.copy(to, family === 4 ? 4 : 8);
  socket.onReadable(() => {
    for (let received = socket.receive(); received; received = socket.receive()) {
      const { data, from } = received;
      const message = data.subarray(family === 4 ? (data[0]! & 0xf) * 4 : 0);
      const isFrom = from
        .subarray(family === 4 ? 4 : 8)
        .subarray(0, bytes.length)
        .equals(bytes);
      if (isFrom && message[0] === ECHO.reply) seen.ping = Math.max(seen.ping, message.readDoubleBE(PAYLOAD));
    }
  });
  setInterval(() => {
    const message = Buffer.alloc(PAYLOAD + 8);
    message.writeUInt8(ECHO.request, 0);
    message.writeDoubleBE(now(), PAYLOAD);
    // The kernel does it for IPv6 alone (raw(7), RFC 3542 §3.1).
    if (family === 4) message.writeUInt16BE(checksum(message), 2);
    try {
      socket.send(message, to);
    } catch {
      // Nobody says where it is, as may be.
    }
  }, EACH_MS);
};

const checksum = (data: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

/** An answer says not which question it answers: one after the other. */
const askWhereItIs = (): void => {
  const floating = openFloatingAddress({ address: wanted, interfaceName: null });
  let asked = 0;
  const ask = (): void => {
    asked = now();
    floating.probe();
    // What has come meanwhile is read first, however long this process was kept waiting.
    setTimeout(() => setImmediate(() => setImmediate(ask)), SILENCE_MS);
  };
  floating.onAnswer(() => {
    seen.neighbour = Math.max(seen.neighbour, asked);
  });
  ask();
};

askByUdp();
askByPing();
askWhereItIs();
for await (const _ of createInterface(process.stdin)) process.stdout.write(`${JSON.stringify(seen)}\n`);
process.exit();
