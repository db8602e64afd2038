import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { lockHolder } from '../../src/sys/lock.ts';
import { binary, Place } from '../lab/processes.ts';

const place = new Place();
const state = place.path('engine');
const daemon = async (verb: string, args: string[] = [], env: Record<string, string> = {}) => {
  const started = place.start('borealisctl', ['daemon', verb, '--state', state, '--json', ...args], env);
  const { code, stdout } = await started.finished;
  return { code, told: JSON.parse(stdout) };
};
const listen = ['--listen', '127.0.0.1:0'];
afterEach(async () => void (await daemon('stop')));
afterAll(() => place.dispose());

test('start waits until it answers; again it says that it runs; stop waits until it is gone', async () => {
  const { code, told } = await daemon('start', listen);
  expect([code, told.started]).toEqual([0, true]);
  expect((await place.ctl(['status', '--json'])).code).toBe(0);
  expect((await daemon('start')).told).toMatchObject({ started: false, pid: told.pid });
  const stopped = await daemon('stop');
  expect(stopped.told).toEqual({ stopped: true, pid: told.pid, state_directory: state });
  expect(lockHolder(state)).toBeNull();
  expect((await place.ctl(['status', '--json'])).code).toBe(5);
  expect((await daemon('stop')).told).toMatchObject({ stopped: false, pid: null });
});

test('the engine outlives the terminal that it was started from, and writes its log to its files alone', async () => {
  const { told } = await daemon('start', listen);
  const fields = readFileSync(`/proc/${told.pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  // Leader of a session of its own (proc_pid_stat(5): state, ppid, pgrp, session).
  expect([Number(fields[2]), Number(fields[3])]).toEqual([told.pid, told.pid]);
  expect(statSync(place.path('engine', 'start.out')).mode & 0o777).toBe(0o600);
  expect(readFileSync(place.path('engine', 'start.out'), 'utf8')).toBe('');
});

test('restart: another process, the same state', async () => {
  const { told } = await daemon('start', listen);
  const again = await daemon('restart', listen);
  expect(again.code).toBe(0);
  expect(again.told).toMatchObject({ previous_pid: told.pid, state_directory: state });
  expect(again.told.pid).not.toBe(told.pid);
});

describe('an engine that does not start says why', () => {
  test('the port is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const { code, told } = await daemon('start', ['--listen', `127.0.0.1:${port}`]);
    taken.close();
    expect([code, told.error.code]).toEqual([7, 'PORT_TAKEN']);
    expect(told.error.message).toContain(String(port));
  });

  test('a mistake in its file: line, key and the nearest key', async () => {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    writeFileSync(place.path('engine', 'borealisd.toml'), 'lissten = "127.0.0.1:0"\n');
    const { code, told } = await daemon('start');
    expect([code, told.error.code]).toEqual([2, 'CONFIG_INVALID']);
    expect(told.error.message).toMatch(/line 1: lissten: .*did you mean listen\?/);
    writeFileSync(place.path('engine', 'borealisd.toml'), '');
  });

  test('a state directory that others may write to', async () => {
    const open = place.path('open');
    mkdirSync(open);
    const { code, stdout } = await place.start('borealisctl', ['daemon', 'start', '--state', open, '--json'])
      .finished;
    expect([code, JSON.parse(stdout).error.code]).toEqual([1, 'STATE_UNSAFE']);
  });
});

test('an engine whose socket is gone is found by its lock and stopped', async () => {
  const { told } = await daemon('start', listen);
  const { code, told: stopped } = await daemon('stop', ['--socket', place.path('nowhere.sock')]);
  expect([code, stopped.pid]).toEqual([0, told.pid]);
  expect(lockHolder(state)).toBeNull();
});

test('run: the engine in the foreground, its log on standard error, ended by a signal to borealisctl alone', async () => {
  const child = spawn(binary('borealisctl'), ['daemon', 'run', '--state', state, ...listen], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let log = '';
  await new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (log.includes('"msg":"ready"')) resolve();
    });
  });
  expect((await place.ctl(['status', '--json'])).code).toBe(0);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(lockHolder(state)).toBeNull();
});
