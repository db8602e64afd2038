/**
 * What three Node programs in a row cost at least, with nothing in them but sockets: a terminal on this side, one in the
 * middle, a pseudo-terminal on the far side.   node echo-chain.ts near SOCKET | middle SOCKET ADDRESS PORT | far ADDRESS PORT
 */
import { connect, createServer, type Socket } from 'node:net';
import { spawn } from 'node-pty';

const [role, ...args] = process.argv.slice(2) as [string, ...string[]];

const near = (socket: string): void => {
  const server = connect(socket);
  process.stdin.setRawMode(true);
  process.stdin.on('data', (bytes) => server.write(bytes));
  server.on('data', (bytes) => process.stdout.write(bytes));
};

const middle = (socket: string, host: string, port: string): void => {
  const serve = (client: Socket): void => {
    const far = connect({ host, port: Number(port), noDelay: true });
    client.on('data', (bytes) => far.write(bytes)).on('error', () => far.destroy());
    far.on('data', (bytes) => client.write(bytes)).on('error', () => client.destroy());
  };
  createServer(serve).listen(socket, () => process.stdout.write('listens\n'));
};

const far = (host: string, port: string): void => {
  const serve = (client: Socket): void => {
    const pty = spawn('/bin/bash', ['--norc'], { cols: 100, rows: 30, encoding: null });
    pty.onData((bytes) => client.write(bytes));
    client.on('data', (bytes) => pty.write(bytes)).on('error', () => pty.kill());
  };
  createServer({ noDelay: true }, serve).listen(Number(port), host, () => process.stdout.write('listens\n'));
};

({ near, middle, far })[role as 'near']?.(...(args as [string]));
