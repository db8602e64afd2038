import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { type GroupOptions, type ProcessGroup, spawnGroup } from '../../src/sys/process-group.ts';
import { groupRuns, isAlive } from '../../src/sys/processes.ts';
import { requires } from '../require.ts';

const shell = (script: string, options: Partial<GroupOptions> = {}): Promise<ProcessGroup> =>
  spawnGroup('sh', ['-c', script], {
    env: { PATH: process.env.PATH },
    timeoutMs: 30_000,
    graceMs: 500,
    ...options,
  });
const outputOf = async (group: ProcessGroup) => {
  const [stdout, stderr, exit] = await Promise.all([text(group.stdout), text(group.stderr), group.exited]);
  return { stdout, stderr, ...exit };
};
/** Two generations that say their numbers and then only wait. */
const FAMILY = `sh -c 'sleep 1000 & echo $!; echo $$; wait' & wait`;

describe('a process group', requires('linux'), () => {
  test('hands over output, exit code and input', async () => {
    const group = await shell('cat; echo bad >&2; exit 7', { input: 'given' });
    expect(await outputOf(group)).toEqual({
      stdout: 'given',
      stderr: 'bad\n',
      exitCode: 7,
      signal: null,
      timedOut: false,
    });
  });

  test('gets the environment that it was given and no other', async () => {
    process.env.BOREALIS_TEST_SECRET = 'x';
    const group = await shell('echo "$BOREALIS_TEST_SECRET|$OWN"', {
      env: { PATH: process.env.PATH, OWN: 'y' },
    });
    delete process.env.BOREALIS_TEST_SECRET;
    expect((await outputOf(group)).stdout).toBe('|y\n');
  });

  test('ends as a whole on expiry, grandchildren too', async () => {
    const group = await shell(FAMILY, { timeoutMs: 300 });
    const { stdout, exitCode, signal, timedOut } = await outputOf(group);
    expect({ exitCode, signal, timedOut }).toEqual({ exitCode: null, signal: 'SIGTERM', timedOut: true });
    expect(stdout.trim().split('\n')).toHaveLength(2);
    expect(groupRuns(group.pid)).toBe(false);
  });

  test('ends by SIGKILL where it does not listen', async () => {
    const group = await shell(`trap '' TERM; ${FAMILY}; while :; do wait; done`, { timeoutMs: 300 });
    const { signal, timedOut } = await outputOf(group);
    expect({ signal, timedOut }).toEqual({ signal: 'SIGKILL', timedOut: true });
    expect(groupRuns(group.pid)).toBe(false);
  });

  test('ends by SIGKILL where it was stopped', async () => {
    const group = await shell('kill -STOP $$', { timeoutMs: 300 });
    expect((await outputOf(group)).timedOut).toBe(true);
  });

  test('may say goodbye within the grace', async () => {
    const group = await shell(`trap 'echo goodbye; exit 5' TERM; echo ready; while :; do sleep 0.01; done`);
    const output = outputOf(group);
    group.stdout.once('data', () => {
      group.kill();
      group.kill();
    });
    expect(await output).toMatchObject({ stdout: 'ready\ngoodbye\n', exitCode: 5, timedOut: false });
  });

  test('leaves nothing behind that it started, once it has ended by itself', async () => {
    const group = await shell('sleep 1000 & echo done');
    expect(await outputOf(group)).toMatchObject({ stdout: 'done\n', exitCode: 0, timedOut: false });
    expect(groupRuns(group.pid)).toBe(false);
  });

  test('does not wait for one that has left it with setsid, nor end it', async () => {
    const group = await shell(`setsid sh -c 'echo $$; exec sleep 1000' &`);
    const { stdout, exitCode } = await outputOf(group);
    const [escaped] = stdout.split('\n').map(Number);
    expect(exitCode).toBe(0);
    expect(isAlive(escaped!)).toBe(true);
    process.kill(escaped!);
  });

  test('loses no output to a slow reader', async () => {
    const group = await shell('yes 123456789 | head -n 100000; exit 0', { graceMs: 50 });
    group.stderr.resume();
    let bytes = 0;
    for await (const chunk of group.stdout) {
      bytes += (chunk as Buffer).length;
      await setImmediate();
    }
    expect(bytes).toBe(1_000_000);
    expect(await group.exited).toMatchObject({ exitCode: 0 });
  });

  test('goes on to its end where its reader has had enough', async () => {
    const group = await shell('yes | head -n 1000000; exit 6');
    group.stderr.resume();
    group.stdout.once('data', () => group.stdout.destroy());
    expect(await group.exited).toMatchObject({ exitCode: 6, timedOut: false });
  });

  test('may ignore its input, and may be told twice to end after it has', async () => {
    const group = await shell('exit 0', { input: Buffer.alloc(1_000_000) });
    expect((await outputOf(group)).exitCode).toBe(0);
    group.kill();
    await group.exited;
  });
});

describe('a process group that cannot be started', () => {
  test.each([
    ['no program', '/no/such/program', {}],
    ['no folder', 'true', { cwd: '/no/such/folder' }],
    ['no permission', '/etc/passwd', {}],
  ])('says so: %s', async (_, file, options) => {
    const attempt = spawnGroup(file, [], { env: { PATH: process.env.PATH }, timeoutMs: 1_000, ...options });
    await expect(attempt).rejects.toMatchObject({ code: 'EXEC_FAILED' });
  });
});

test('runs as another user, with none of our groups', requires('root'), async () => {
  const group = await shell('id -u; id -g; id -G', { uid: 54_321, gid: 54_322 });
  expect((await outputOf(group)).stdout).toBe('54321\n54322\n54322\n');
});

test('a zombie counts as ended', requires('linux', 'perl'), async () => {
  // A parent outside of the group that never waits for the one inside.
  const parent = await spawnGroup(
    'perl',
    ['-e', '$|=1; $p=fork; if(!$p){setpgrp; exit} print "$p\\n"; sleep 1000'],
    { env: { PATH: process.env.PATH }, timeoutMs: 30_000 },
  );
  parent.stderr.resume();
  const zombie = await new Promise<number>((resolve) => {
    parent.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
  });
  await vi.waitFor(() => expect(groupRuns(zombie)).toBe(false));
  expect(isAlive(zombie)).toBe(true);
  parent.kill();
  await parent.exited;
});
