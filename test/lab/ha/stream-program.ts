/** One TCP connection to an echo, on which a number goes out each 20 ms and has to come back in its turn. */
import { connect } from 'node:net';
import { now } from './observer.ts';

const [address = '', port = ''] = process.argv.slice(2);
const SEND_MS = 20;
const tell = (saw: object): void => void process.stdout.write(`${JSON.stringify({ at: now(), ...saw })}\n`);

let [said, heard, rest] = [0, 0, Buffer.alloc(0)];
const socket = connect({ host: address, port: Number(port), noDelay: true }, () => {
  setInterval(() => {
    const word = Buffer.alloc(4);
    word.writeUInt32LE(said);
    said += 1;
    socket.write(word);
  }, SEND_MS);
});
socket.on('data', (data: Buffer) => {
  rest = Buffer.concat([rest, data]);
  for (; rest.length >= 4; rest = rest.subarray(4)) {
    if (rest.readUInt32LE(0) !== heard) tell({ ended: `${rest.readUInt32LE(0)} came instead of ${heard}` });
    heard += 1;
  }
  tell({ heard });
});
socket.on('error', (error) => tell({ ended: error.message }));
socket.on('close', () => tell({ ended: 'closed' }));
process.stdin.on('end', () => process.exit()).resume();
