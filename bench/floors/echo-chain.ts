/**
 * What Node programs in a row cost at least, with nothing in them but descriptors, by the fastest way to them: a terminal
 * on this side, a pseudo-terminal on the far side, and one in the middle or none.
 *   node echo-chain.ts near SOCKET|ADDRESS:PORT | middle SOCKET ADDRESS PORT | far ADDRESS PORT
 */
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { ReadStream } from 'node:tty';
import { openPty } from '../../src/agent/shells/pty.ts';
import { writeAtOnce } from '../../src/sys/write-at-once.ts';

const [role, ...args] = process.argv.slice(2) as [string, ...string[]];
const READ_BYTES = 65_536;

/** One piece of memory for all that comes, and no stream between. */
const onread = (pass: (bytes: Uint8Array) => void) => ({
  buffer: Buffer.allocUnsafeSlow(READ_BYTES),
  callback: (count: number, bytes: Uint8Array) => {
    pass(bytes.subarray(0, count));
    return true;
  },
});

const near = (to: string): void => {
  const [host, port] = to.split(':');
  const there: NetConnectOpts = port ? { host: host!, port: Number(port), noDelay: true } : { path: to };
  const server = connect({ ...there, onread: onread((bytes) => void writeAtOnce(process.stdout, bytes)) });
  process.stdin.setRawMode(true);
  const keys = new ReadStream(0, { onread: onread((bytes) => void writeAtOnce(server, bytes)) });
  keys.resume();
};

const middle = (socket: string, host: string, port: string): void => {
  const serve = (client: Socket): void => {
    const pass = onread((bytes) => void writeAtOnce(client, bytes));
    const far = connect({ host, port: Number(port), noDelay: true, onread: pass });
    client.on('data', (bytes) => writeAtOnce(far, bytes)).on('error', () => far.destroy());
    far.on('error', () => client.destroy());
  };
  createServer(serve).listen(socket, () => process.stdout.write('listens\n'));
};

const far = (host: string, port: string): void => {
  const serve = async (client: Socket): Promise<void> => {
    const pty = await openPty({
      file: '/bin/bash',
      args: ['--norc'],
      cwd: '/',
      size: { cols: 100, rows: 30 },
      env: process.env as Record<string, string>,
      owner: undefined,
      onOutput: (bytes) => void writeAtOnce(client, bytes),
      onEnd: () => client.destroy(),
    });
    client.on('data', (bytes) => pty.write(bytes)).on('error', () => pty.close());
  };
  const server = createServer({ noDelay: true }, (client) => void serve(client));
  server.listen(Number(port), host, () => process.stdout.write('listens\n'));
};

({ near, middle, far })[role as 'near']?.(...(args as [string]));
