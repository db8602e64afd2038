/** The dashboard at the other end of a real ssh connection, and the bytes that its server sends to the terminal's machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Sshd } from '../../test/lab/sshd.ts';
import { Screen } from '../../test/tui/screen.ts';
import { binary, ended } from '../processes.ts';

export interface Remote {
  readonly screen: Screen;
  /** Bytes of TCP's payload that came from sshd, all told: encrypted, with what SSH adds to them. */
  readonly sent: () => number;
  readonly close: () => Promise<void>;
}

/** `env` is the dashboard's. Rejects where there is no sshd to be had, or it cannot be started. */
export const openOverSsh = async (
  directory: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
): Promise<Remote> => {
  const sshd = new Sshd(directory);
  const port = await freePort();
  const [file, ...options] = sshd.argv('-D', '-e', '-p', String(port), '-o', 'ListenAddress=127.0.0.1');
  const server = spawn(file!, options, { stdio: ['ignore', 'ignore', 'pipe'] });
  await listens(server);
  let sent = 0;
  const counter = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    far.on('data', (piece) => {
      sent += piece.length;
    });
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => [near, far].map((both) => both.destroy()));
  });
  const at = await listening(counter);
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  const screen = new Screen({
    env: { HOME: directory },
    program: ['ssh', '-tt', ...sshd.options('-p', String(at), '127.0.0.1')],
    args: [['exec env', ...variables, binary('borealisctl'), 'dashboard', ...args].join(' ')],
    columns: 120,
    rows: 40,
  });
  return {
    screen,
    sent: () => sent,
    close: async () => {
      screen.dispose();
      counter.close();
      server.kill();
      await ended(server);
    },
  };
};

const listening = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

const freePort = async (): Promise<number> => {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  return port;
};

const listens = async (server: ChildProcess): Promise<void> => {
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
    if (said.includes('Server listening')) resolve();
  });
  server.once('error', reject);
  server.once('exit', (code) => reject(new Error(`sshd ended with ${code}: ${said}`)));
  const timer = sleep(20_000, undefined, { ref: false }).then(() =>
    Promise.reject(new Error('sshd is silent')),
  );
  await Promise.race([promise, timer]);
};
