import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { peerCredentials } from '../../src/sys/peer-credentials.ts';
import { requires } from '../require.ts';

let folder: string;
let server: Server;
let path: string;
let accepted: Promise<Socket>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'borealis-peer-'));
  await chmod(folder, 0o755);
  path = join(folder, 'socket');
  const { promise, resolve } = Promise.withResolvers<Socket>();
  accepted = promise;
  server = createServer(resolve).listen(path);
  await once(server, 'listening');
  await chmod(path, 0o777);
});

afterEach(async () => {
  (await accepted).destroy();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

describe('the peer of a Unix socket', requires('linux'), () => {
  test('is this very process where it calls itself', async () => {
    const client = connect(path);
    const { pid, uid, gid, groups } = peerCredentials(await accepted);
    expect({ pid, uid, gid }).toEqual({
      pid: process.pid,
      uid: process.geteuid?.(),
      gid: process.getegid?.(),
    });
    const own = (process.getgroups?.() ?? []).filter((group) => group !== gid);
    expect(groups.filter((group) => group !== gid).sort()).toEqual(own.sort());
    client.destroy();
  });

  test('is not proved once the connection is closed', async () => {
    const client = connect(path);
    const socket = await accepted;
    socket.destroy();
    await once(socket, 'close');
    expect(() => peerCredentials(socket)).toThrow(expect.objectContaining({ code: 'IDENTITY_UNPROVEN' }));
    client.destroy();
  });

  test('is not proved by a TCP connection', async () => {
    const tcp = createServer().listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const address = tcp.address();
    const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    const [socket] = (await once(tcp, 'connection')) as [Socket];
    expect(() => peerCredentials(socket)).toThrow(expect.objectContaining({ code: 'IDENTITY_UNPROVEN' }));
    client.destroy();
    socket.destroy();
    tcp.close();
    connect(path).unref(); // afterEach waits for one
  });
});

/** A caller that is somebody else, says that it is root, and waits for an answer. */
const stranger = (groups: readonly number[]) =>
  spawn(
    'setpriv',
    [
      ...['--reuid=54321', '--regid=54322', `--groups=${groups.join(',')}`],
      ...['curl', '--silent', '--unix-socket', path, '--header', 'X-Unix-User: root', 'http://0:0@borealis/'],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );

describe('another user at a Unix socket', requires('root', 'setpriv', 'curl'), () => {
  test.each([
    ['with a few groups', [7, 8, 54_399]],
    ['with more groups than the first guess holds', Array.from({ length: 1_000 }, (_, i) => 60_000 + i)],
  ])('is named by the kernel, %s', async (_, groups) => {
    const child = stranger(groups);
    const socket = await accepted;
    const found = peerCredentials(socket);
    expect(found).toMatchObject({ pid: child.pid, uid: 54_321, gid: 54_322 });
    expect([...found.groups].sort((a, b) => a - b)).toEqual(groups);
    socket.destroy();
    await once(child, 'exit');
  });
});
