/** Sends a numbered datagram each INTERVAL ms to an echo, and says when each was sent and when it came back. */
import { createSocket } from 'node:dgram';
import { now } from './observer.ts';

const [address = '', port = '', interval = ''] = process.argv.slice(2);
/** Between two lines of what was seen: the reader is woken so often. */
const TELL_MS = 20;

const socket = createSocket('udp4');
let next = 0;
let sent: [number, number][] = [];
let heard: [number, number][] = [];

socket.on('message', (data) => void heard.push([data.readUInt32LE(0), now()]));
// The way there may be gone for a while: ENETUNREACH, ECONNREFUSED, EPERM.
socket.on('error', () => undefined);
setInterval(() => {
  const datagram = Buffer.alloc(32);
  datagram.writeUInt32LE(next);
  sent.push([next, now()]);
  next += 1;
  socket.send(datagram, Number(port), address, () => undefined);
}, Number(interval));
setInterval(() => {
  process.stdout.write(`${JSON.stringify({ sent, heard })}\n`);
  [sent, heard] = [[], []];
}, TELL_MS);
process.stdin.on('end', () => process.exit()).resume();
