/** node pipe.ts PORT ADDRESS PORT: what a forward is at least, two sockets and nothing else. */
import { connect, createServer } from 'node:net';

const [port, address, to] = process.argv.slice(2);
createServer((near) => {
  const far = connect(Number(to), address!);
  near.pipe(far).pipe(near);
  for (const socket of [near, far]) socket.on('error', () => [near, far].map((both) => both.destroy()));
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('listens\n'));
