/** `borealis-agent doctor`: each thing that keeps a device from its engine is found, and named with its remedy. */
import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentChecks } from '../../src/agent/doctor/checks.ts';
import { serviceCheck } from '../../src/agent/doctor/service.ts';
import { saveMembership, saveTokens } from '../../src/agent/identity.ts';
import { type ContextPaths, contextPaths, LOCK_NAME, prepareState } from '../../src/agent/state.ts';
import { StatusWriter } from '../../src/agent/status-file.ts';
import { seedToPem } from '../../src/crypto/keys.ts';
import type { Check } from '../../src/protocol/engine.ts';
import { lockState } from '../../src/sys/lock.ts';
import type { ServiceStatus } from '../../src/sys/service.ts';
import { EngineDouble, type Enrolled } from './engine-double.ts';
import { credentialsOf, freshTokens, temporary } from './parts.ts';

const DAY_MS = 86_400_000;
let engine: EngineDouble;
let enrolled: Enrolled;
let folder: ReturnType<typeof temporary>;
let paths: ContextPaths;

beforeEach(async () => {
  engine = await EngineDouble.start();
  enrolled = await engine.enrolled();
  folder = temporary();
  paths = contextPaths(folder.directory, 'system');
  await prepareState(folder.directory, paths);
  writeFileSync(paths.identity, seedToPem(enrolled.seed), { mode: 0o600 });
  await saveTokens(paths, freshTokens({ refreshExpiresAt: Date.now() + 60 * DAY_MS }));
  await saveMembership(paths, credentialsOf(engine, enrolled).membership);
});
afterEach(async () => {
  await engine.close();
  await folder.remove();
});

/** `ahead`: milliseconds of this machine's clock. */
const look = async (ahead = 0): Promise<Map<string, Check>> => {
  const clock = { now: () => Date.now() + ahead, monotonic: () => performance.now() };
  const checks = await agentChecks({ state: folder.directory, context: undefined, clock });
  return new Map(checks.map((check) => [check.id, check]));
};
const address = async (host: string, port = 1) =>
  saveMembership(paths, { ...credentialsOf(engine, enrolled).membership, address: { host, port } });

test('all is well but that nobody serves it', async () => {
  const checks = await look();
  for (const id of ['state', 'identity', 'certificate', 'engine_address', 'engine', 'clock_skew', 'spool'])
    expect(checks.get(id)).toMatchObject({ id, state: 'ok', remedy: null });
  expect(checks.get('process')).toMatchObject({
    state: 'fail',
    remedy: expect.stringContaining(`borealis-agent run --state ${folder.directory}`),
  });
  expect([...checks.keys()]).toEqual(expect.arrayContaining(['node', 'clock', 'disk', 'service']));
  expect([...checks.keys()]).toEqual(expect.arrayContaining(['tunnel_programs', 'wireguard', 'net_admin']));
});

describe('the way to the engine', () => {
  test('a name that nobody knows', async () => {
    // No name can be like this: no resolver has to be asked.
    const name = `${'x'.repeat(64)}.invalid`;
    await address(name);
    const checks = await look();
    expect(checks.get('engine_address')).toMatchObject({
      state: 'fail',
      message: expect.stringContaining(`${name} has no address`),
      remedy: expect.stringContaining(`getent hosts ${name}`),
    });
    expect(checks.get('engine')).toMatchObject({ state: 'skipped' });
  });

  test('nobody listens', async () => {
    await engine.close();
    expect((await look()).get('engine')).toMatchObject({
      state: 'fail',
      message: expect.stringContaining('ECONNREFUSED'),
      remedy: expect.stringContaining('firewall'),
    });
    engine = await EngineDouble.start();
  });

  test('another engine answers there: its pin is not ours', async () => {
    const other = await EngineDouble.start();
    await address(other.address.host, other.address.port);
    const checks = await look();
    await other.close();
    expect(checks.get('engine')).toMatchObject({
      state: 'fail',
      message: expect.stringContaining('is not the engine that this device was enrolled with'),
    });
    expect(other.requests).toBe(0);
  });

  test.each([
    [45_000, 'warn', '45 s ahead of'],
    [-90_000, 'fail', '90 s behind'],
  ])('a clock that is %d ms off', async (ahead, state, said) => {
    // To a second: `Date` in HTTP is no finer, and an answer may take a while.
    const near = new RegExp(
      said.replace(
        /\d+/,
        (digits) => `(${[-4, -3, -2, -1, 0, 1, 2, 3, 4].map((by) => Number(digits) + by).join('|')})`,
      ),
    );
    expect((await look(ahead)).get('clock_skew')).toMatchObject({
      state,
      message: expect.stringMatching(near),
      remedy: expect.stringContaining('timedatectl'),
    });
  });
});

describe('what it keeps', () => {
  test.each([
    [27, 'warn', 'was not renewed'],
    [31, 'fail', 'the engine refuses it'],
  ])('a certificate, %d days later', async (days, state, said) => {
    expect((await look(days * DAY_MS)).get('certificate')).toMatchObject({
      state,
      message: expect.stringContaining(said),
    });
  });

  test('a directory, and a key, that others can read', async () => {
    chmodSync(folder.directory, 0o755);
    chmodSync(paths.identity, 0o644);
    const checks = await look();
    expect(checks.get('state')).toMatchObject({ state: 'fail', remedy: `chmod go-rwx ${folder.directory}` });
    expect(checks.get('identity')).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('chmod 0600'),
    });
    expect(checks.has('engine')).toBe(false);
  });

  test('no enrolment, and no directory', async () => {
    rmSync(paths.membership);
    expect((await look()).get('identity')).toMatchObject({
      state: 'fail',
      remedy: expect.stringContaining('borealis-agent enroll LINK'),
    });
    rmSync(folder.directory, { recursive: true });
    const checks = await look();
    expect(checks.get('state')).toMatchObject({ state: 'fail' });
    expect(checks.has('identity')).toBe(false);
  });

  test('results that nobody fetches', async () => {
    const waiting = join(paths.spool, 'one.json');
    writeFileSync(waiting, '{}');
    expect((await look()).get('spool')).toMatchObject({
      state: 'ok',
      message: expect.stringContaining('1 command waiting'),
    });
    const old = new Date(Date.now() - 2 * 3_600_000);
    utimesSync(waiting, old, old);
    expect((await look()).get('spool')).toMatchObject({ state: 'warn' });
  });

  test('the second context has ids of its own', async () => {
    mkdirSync(contextPaths(folder.directory, 'user').directory, { mode: 0o700 });
    const checks = await look();
    expect(checks.get('identity')).toMatchObject({ state: 'ok' });
    expect(checks.get('identity:user')).toMatchObject({ state: 'fail' });
  });
});

describe('who serves it', () => {
  const told = async (state: 'online' | 'waiting', error: { message: string; next: string } | null) => {
    const at = new Date().toISOString();
    const writer = new StatusWriter(paths.status, (problem) => {
      throw problem;
    });
    writer.write({
      pid: process.pid,
      state,
      since: at,
      last_error: error && { at, code: 'DEVICE_REVOKED', ...error },
      next_attempt_at: null,
      engine_version: null,
    });
    await writer.flush();
  };

  test('a process that is online, and one that the engine refuses', async () => {
    const lock = lockState(paths.directory, LOCK_NAME);
    try {
      await told('online', null);
      expect((await look()).get('process')).toMatchObject({
        state: 'ok',
        message: expect.stringContaining(`Process ${process.pid} serves this device and is online`),
      });
      await told('waiting', { message: 'The device was revoked.', next: 'Ask an operator.' });
      expect((await look()).get('process')).toMatchObject({
        state: 'fail',
        message: expect.stringContaining('is not online: The device was revoked.'),
        remedy: 'Ask an operator.',
      });
    } finally {
      lock.release();
    }
  });

  const unit: ServiceStatus = {
    role: 'agent',
    unit: 'borealis-agent.service',
    installed: true,
    enabled: true,
    active: true,
    state: 'active/running',
    pid: 1,
    since: null,
    restarts: 2,
    status_text: null,
    user: 'root',
    state_directory: '/state',
    program: '/opt/borealis',
    version: '1',
  };
  test.each([
    [{}, 'ok', /starts at boot; systemd brought it back 2 times/],
    [{ installed: false }, 'warn', /No service starts/],
    [{ enabled: false }, 'warn', /does not start at boot/],
    [{ active: false, state: 'failed/failed' }, 'fail', /is failed\/failed/],
    [{ state_directory: '/elsewhere' }, 'skipped', /another state directory/],
  ] as const)('a unit with %j', async (change, state, said) => {
    const check = await serviceCheck('/state', async () => ({ ...unit, ...change }));
    expect(check).toMatchObject({ id: 'service', state, message: expect.stringMatching(said) });
  });
});
