import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNotifier, type Notifier } from '../../src/sys/notify.ts';
import { requires } from '../require.ts';

/** Stands where systemd stands: prints each datagram as a line of JSON, with the number of the process that sent it. */
const RECEIVER = `
import json, os, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
s.bind(sys.argv[1].replace('@', '\\0', 1) if sys.argv[1].startswith('@') else sys.argv[1])
print('"bound"', flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(4096, socket.CMSG_SPACE(12))
    print(json.dumps([struct.unpack('3i', ancillary[0][2])[0], data.decode()]), flush=True)
`;

let folder: string;
let receiver: ChildProcess | undefined;
let notifier: Notifier | undefined;
let lines: AsyncIterator<string>;

const listenAt = async (address: string): Promise<void> => {
  receiver = spawn('python3', ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  lines = createInterface({ input: receiver.stdout! })[Symbol.asyncIterator]();
  expect(await received()).toBe('bound');
};
const received = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'borealis-notify-'));
});
afterEach(async () => {
  notifier?.close();
  notifier = undefined;
  if (receiver) {
    receiver.kill('SIGKILL');
    await once(receiver, 'exit');
    receiver = undefined;
  }
  await rm(folder, { recursive: true });
});

describe('the service manager', requires('linux', 'python3'), () => {
  test.each(['a path', 'the abstract namespace'])('hears of start, state and end at %s', async (kind) => {
    const address = kind === 'a path' ? join(folder, 'notify') : `@borealis-test-${randomUUID()}`;
    await listenAt(address);
    const env: Record<string, string | undefined> = { NOTIFY_SOCKET: address };
    notifier = createNotifier(env);
    expect(notifier.enabled).toBe(true);
    notifier.ready();
    notifier.status('3 devices\nREADY=1 online');
    notifier.stopping();
    expect(await received()).toEqual([process.pid, 'READY=1']);
    expect(await received()).toEqual([process.pid, 'STATUS=3 devices READY=1 online']);
    expect(await received()).toEqual([process.pid, 'STOPPING=1']);
  });

  test('gets signs of life only while there is life', async () => {
    const address = join(folder, 'notify');
    await listenAt(address);
    notifier = createNotifier({
      NOTIFY_SOCKET: address,
      WATCHDOG_USEC: '20000',
      WATCHDOG_PID: `${process.pid}`,
    });
    let asked = 0;
    const answers = [true, true, false];
    const { promise: silent, resolve } = Promise.withResolvers<void>();
    notifier.startWatchdog(() => {
      const answer = answers[asked++];
      if (asked === 5) resolve();
      if (answer === undefined) throw new Error('the store is gone');
      return answer;
    });
    expect(await received()).toEqual([process.pid, 'WATCHDOG=1']);
    expect(await received()).toEqual([process.pid, 'WATCHDOG=1']);
    await silent;
    notifier.status('and then nothing');
    expect(await received()).toEqual([process.pid, 'STATUS=and then nothing']);
  });

  test('gets none where the watchdog waits for another process', async () => {
    const address = join(folder, 'notify');
    await listenAt(address);
    notifier = createNotifier({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' });
    notifier.startWatchdog(() => {
      throw new Error('asked');
    });
    notifier.ready();
    expect(await received()).toEqual([process.pid, 'READY=1']);
  });

  test('hears from the newest who was asked for, after a restart within the process', async () => {
    const address = join(folder, 'notify');
    await listenAt(address);
    notifier = createNotifier({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000' });
    notifier.startWatchdog(() => false);
    notifier.startWatchdog(() => true);
    expect(await received()).toEqual([process.pid, 'WATCHDOG=1']);
    expect(await received()).toEqual([process.pid, 'WATCHDOG=1']);
  });

  test('that is gone is an error for ready alone', () => {
    notifier = createNotifier({ NOTIFY_SOCKET: join(folder, 'nobody') });
    notifier.status('going on');
    notifier.stopping();
    expect(() => notifier?.ready()).toThrow(expect.objectContaining({ code: 'COMMAND_FAILED' }));
  });
});

test('the variables do not reach child processes', () => {
  const env: Record<string, string | undefined> = {
    NOTIFY_SOCKET: '@x',
    WATCHDOG_USEC: '1',
    WATCHDOG_PID: '1',
    PATH: '/bin',
  };
  createNotifier(env).close();
  expect(env).toEqual({ PATH: '/bin' });
});

test.each([undefined, '', 'relative', 'vsock:2:1234', '/', '@'])(
  'without a socket (%s) nothing happens',
  (address) => {
    const silent = createNotifier({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '1' });
    expect(silent.enabled).toBe(false);
    silent.ready();
    silent.status('x');
    silent.startWatchdog(() => {
      throw new Error('asked');
    });
    silent.stopping();
    silent.close();
  },
);
