/** The daemon as a process: exit codes, signals, lock, what it prints. */
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Process } from '../lab/processes.ts';
import { requires } from '../require.ts';
import { callSocket } from './engine.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'daemon', 'main.ts');

let directory: string;
let state: string;
let started: Process[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-main-'));
  state = join(directory, 'state');
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((process) => process.kill('SIGKILL')));
  rmSync(directory, { recursive: true, force: true });
});

const run = (args: string[] = [], env: Record<string, string> = {}): Process => {
  const daemon = new Process(process.execPath, [MAIN, ...args], {
    BOREALIS_STATE: state,
    BOREALIS_LISTEN: '127.0.0.1:0',
    ...env,
  });
  started.push(daemon);
  return daemon;
};
const ready = async (daemon: Process): Promise<Process> => {
  await daemon.until(() => daemon.stderr.includes('"msg":"ready"'), 'ready');
  return daemon;
};
const socket = (): string => join(state, 'run', 'borealisd.sock');

describe('the command line', () => {
  test('--help and --version', async () => {
    expect(await run(['--help']).finished).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--state DIR'),
    });
    expect(await run(['--version']).finished).toMatchObject({ code: 0, stdout: 'borealisd 0.1.0\n' });
  });

  test('a mistake is told with the way out, exit code 2', async () => {
    expect(await run(['--stat', 'x']).finished).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^borealisd: .*--stat.*\nNext: See how it is used: borealisd --help\n$/),
    });
    expect((await run(['stray']).finished).code).toBe(2);
  });

  test('a wrong configuration names file, line and key', async () => {
    const config = join(directory, 'b.toml');
    writeFileSync(config, 'log_level = "info"\nlisten_on = "0.0.0.0:1"\n');
    expect(await run(['--config', config]).finished).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/b\.toml, line 2: listen_on/),
    });
  });

  test('flags outrank the environment', async () => {
    const other = join(directory, 'other');
    const daemon = run(['--state', other, '--log-level', 'info'], { BOREALIS_LOG_LEVEL: 'fatal' });
    await ready(daemon);
    expect(readdirSync(other)).toContain('borealis.db');
  });
});

describe('a running engine', () => {
  test('prints nothing but JSON lines, on standard error', async () => {
    const daemon = await ready(run());
    await callSocket(socket(), 'GET', '/api/v1/nothing');
    const { stdout, stderr } = await daemon.kill('SIGTERM');
    expect(stdout).toBe('');
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('component');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s drains and ends with 0, leaving no socket',
    async (signal) => {
      const daemon = await ready(run());
      expect(await daemon.kill(signal)).toMatchObject({ code: 0, signal: null });
      expect(readdirSync(join(state, 'run'))).toEqual([]);
    },
  );

  test('engine.stop ends it, after the answer', async () => {
    const daemon = await ready(run());
    const answer = await callSocket(socket(), 'POST', '/api/v1/engine/stop');
    expect(answer.body).toEqual({ pid: daemon.child.pid });
    expect(await daemon.finished).toMatchObject({ code: 0 });
  });

  test('a second one on the same state is refused and told who holds it', async () => {
    const daemon = await ready(run());
    const second = await run().finished;
    expect(second).toMatchObject({ code: 7, stdout: '' });
    expect(second.stderr).toContain(`Process ${daemon.child.pid}`);
    expect((await callSocket(socket(), 'GET', '/api/v1/me')).status).toBe(200);
  });

  test('after kill -9 the next one starts, on the socket that was left', async () => {
    const daemon = await ready(run());
    await daemon.kill('SIGKILL');
    expect(readdirSync(join(state, 'run'))).toEqual(['borealisd.sock']);
    await ready(run());
    expect((await callSocket(socket(), 'GET', '/api/v1/me')).status).toBe(200);
  });

  test('a port that is taken is told, and by whom', requires('ss'), async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await run(['--listen', `127.0.0.1:${port}`]).finished;
    expect(code).toBe(7);
    expect(stderr).toMatch(new RegExp(`port ${port}.*\\(pid ${process.pid}\\)`));
    other.close();
  });

  test('a log that is written to is of this run', async () => {
    const daemon = await ready(run());
    await daemon.kill('SIGTERM');
    const [file] = readdirSync(join(state, 'logs'));
    expect(readFileSync(join(state, 'logs', file!), 'utf8')).toBe(daemon.stderr);
  });
});

describe('the end', () => {
  /** A request whose body never comes. */
  const hang = async (): Promise<Socket> => {
    const client = connect(socket());
    client.on('error', () => {
      // The engine cuts it off.
    });
    await new Promise<void>((resolve) => client.once('connect', resolve));
    const request =
      'POST /api/v1/backup/verify HTTP/1.1\r\nHost: a\r\nBorealis-Passphrase: x\r\nContent-Length: 9\r\n\r\n1';
    await new Promise<void>((resolve) => client.write(request, () => resolve()));
    // Answered on another connection after this one was taken up.
    await callSocket(socket(), 'GET', '/api/v1/me');
    return client;
  };

  test('comes although a request does not end, and is a clean one', async () => {
    const daemon = await ready(run());
    const client = await hang();
    expect(await daemon.kill('SIGTERM')).toMatchObject({ code: 0, signal: null });
    client.destroy();
  });

  test('comes at once with the second signal', async () => {
    const daemon = await ready(run());
    const client = await hang();
    daemon.child.kill('SIGTERM');
    await daemon.until(() => daemon.stderr.includes('"stopping"'), 'stopping');
    expect(await daemon.kill('SIGTERM')).toMatchObject({ code: 143 });
    client.destroy();
  });

  test.each([
    ['an exception', 'setTimeout(() => { throw new Error("boom"); }, 200)'],
    ['a rejection', 'setTimeout(() => Promise.reject(new Error("boom")), 200)'],
  ])('after %s that nobody caught is told and is a failure', async (_what, fault) => {
    const trigger = `process.on('SIGUSR2', () => ${fault})`;
    const daemon = await ready(
      run([], { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(trigger)}` }),
    );
    const { code, stderr } = await daemon.kill('SIGUSR2');
    expect(code).toBe(1);
    expect(stderr).toMatch(/"level":"fatal".*boom/);
    await ready(run());
  });
});

test('a restored backup is in force without another process', async () => {
  const daemon = await ready(run());
  const put = (role: string) =>
    callSocket(socket(), 'PUT', '/api/v1/users/root', { role }).then((answer) =>
      expect(answer.status).toBe(200),
    );
  await put('viewer');
  const backup = await callSocket(socket(), 'POST', '/api/v1/backup', { passphrase: 'correct horse' });
  await put('admin');
  await callSocket(socket(), 'POST', '/api/v1/backup/restore', backup.bytes, {
    'borealis-passphrase': 'correct horse',
  });
  await daemon.until(() => daemon.stderr.split('"msg":"ready"').length === 3, 'ready again');
  expect((await callSocket(socket(), 'GET', '/api/v1/users')).body).toMatchObject([
    { who: 'root', role: 'viewer' },
  ]);
  expect((await callSocket(socket(), 'GET', '/api/v1/audit/verify')).body).toMatchObject({ intact: true });
  expect((await daemon.kill('SIGTERM')).code).toBe(0);
});

test('a state directory that cannot be made is told in a sentence', async () => {
  const { code, stderr } = await run(['--state', '/dev/null/state']).finished;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^borealisd: .*\/dev\/null.*\nNext: Correct the path/);
});

test('a state directory of somebody else is refused', requires('root'), async () => {
  mkdirSync(state);
  chownSync(state, 1, 1);
  expect(await run().finished).toMatchObject({ code: 1, stderr: expect.stringContaining(state) });
});

test('a master key that does not open the store’s keys is refused, and nothing is made in its place', async () => {
  const daemon = await ready(run());
  await daemon.kill('SIGTERM');
  writeFileSync(join(state, 'master.key'), Buffer.alloc(32, 7), { mode: 0o600 });
  const { code, stderr } = await run().finished;
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/key/);
});

test('systemd hears READY, then signs of life, then STOPPING', requires('python3'), async () => {
  const path = join(directory, 'notify');
  const manager = new Process('python3', ['-c', MANAGER, path], {});
  started.push(manager);
  await manager.until(() => manager.stdout.includes('bound'), 'bound');
  const daemon = run([], { NOTIFY_SOCKET: path, WATCHDOG_USEC: '200000' });
  await manager.until(() => manager.stdout.split('WATCHDOG=1').length > 3, 'three signs of life');
  await daemon.kill('SIGTERM');
  await manager.until(() => manager.stdout.includes('STOPPING=1'), 'stopping');
  expect(manager.stdout.split('\n').slice(0, 3)).toEqual(['bound', 'READY=1', 'WATCHDOG=1']);
});

/** What systemd does with NOTIFY_SOCKET: a Unix datagram socket, of which Node has none. */
const MANAGER = `
import socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(heard.recv(4096).decode(), flush=True)
`;
