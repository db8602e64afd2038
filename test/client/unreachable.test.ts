import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Client } from '../../src/client/client.ts';
import type { BorealisError } from '../../src/protocol/errors.ts';
import { binary, Place } from '../lab/processes.ts';
import { requires } from '../require.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'borealis-way-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ask = (socket: string): Promise<BorealisError> =>
  new Client(socket).call('status.show', {}).then(
    () => expect.unreachable('somebody answered'),
    (error) => error as BorealisError,
  );

test('no socket', async () => {
  const error = await ask(join(directory, 'none.sock'));
  expect(error).toMatchObject({
    code: 'ENGINE_UNREACHABLE',
    exit: 5,
    next: 'Start it with: borealisctl daemon start',
  });
  expect(error.message).toContain('There is no socket at');
});

test('a socket that a dead engine left behind', async () => {
  const socket = join(directory, 'dead.sock');
  const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await ask(socket)).message).toContain('Nobody listens at');
});

test('something else of that name', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  const { message, next } = await ask(file);
  expect(message + next).toMatch(/is not a socket|Nobody listens/);
});

describe('a stranger at the door', requires('root', 'runuser'), () => {
  const place = new Place();
  afterAll(() => place.dispose());

  const askAsStranger = () => {
    chmodSync(place.directory, 0o755);
    const { status, stdout } = spawnSync(
      'runuser',
      ['-u', 'nobody', '--', binary('borealisctl'), 'status', '--json'],
      { encoding: 'utf8', env: { PATH: process.env.PATH, BOREALIS_SOCKET: place.socket } },
    );
    return { status, error: (JSON.parse(stdout) as { error: Record<string, string> }).error };
  };

  test('is told that only the owner may pass', async () => {
    const engine = await place.startEngine();
    const { status, error } = askAsStranger();
    await engine.kill('SIGTERM');
    expect(status).toBe(5);
    expect(error.message).toContain('You (nobody) may not pass');
    expect(error.message).toContain('Only its owner and root may.');
  });

  test('is told which group may, and how to join it', async () => {
    const engine = await place.startEngine([], { BOREALIS_SOCKET_GROUP: 'daemon' });
    const { status, error } = askAsStranger();
    await engine.kill('SIGTERM');
    expect(status).toBe(5);
    expect(error.message).toContain('Members of the group daemon may.');
    expect(error.next).toContain('usermod -aG daemon nobody');
  });
});
