/**
 * What scripts rely on: the --json of every command, from the real engine with a real agent, held by files.
 * After a change that is meant: vitest run test/commands/golden.test.ts -u, and read the difference.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../src/commands/table.ts';
import { Place } from '../lab/processes.ts';
import { hold } from './hold.ts';

const user = userInfo().username;
const place = new Place();
afterAll(() => place.dispose());

let device: string;
beforeAll(async () => {
  await place.startEngine();
  await place.startAgent('agent');
  device = (await place.json<{ name: string }[]>(['device', 'list']))[0]?.name as string;
  await place.json(['device', 'rename', device, 'golden-1']);
}, 60_000);

const golden = (name: string, args: readonly string[], then?: (value: never) => void): void =>
  test(args.join(' '), async () => {
    const { code, stdout, stderr } = await place.ctl([...args, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    // One document, and nothing else.
    const value = JSON.parse(stdout) as never;
    then?.(value);
    await hold(place, name, value);
  });

/** Screens and the engine itself: what they say is no document. */
const WITHOUT = ['daemon run', 'dashboard', 'wallboard'];

test('the --json of every command is held by a file; some by the tests of their own, which start what they need', () => {
  const folder = join(import.meta.dirname, 'golden');
  const missing = Object.entries(commands)
    .filter(([id, { hidden }]) => !hidden && !WITHOUT.includes(id))
    .map(([id]) => `${id.replaceAll(' ', '-')}.golden.json`)
    .filter((name) => !existsSync(join(folder, name)));
  expect(missing).toEqual([]);
});

describe('engine', () => {
  golden('status', ['status']);
  golden('version', ['--version']);
  golden('config-show', ['config', 'show']);
  golden('config-get', ['config', 'get', 'log_level']);
  golden('config-set', ['config', 'set', 'log_retention_days', '14']);
  golden('user-me', ['user', 'me']);
  golden('user-grant', ['user', 'grant', user, 'admin']);
  golden('user-list', ['user', 'list']);
  golden('user-revoke', ['user', 'revoke', user]);
  golden('audit-verify', ['audit', 'verify']);
});

test('completion: the script as text', async () => {
  const told = await place.json<{ shell: string; script: string }>(['completion', 'bash']);
  expect(told.script).toBe(
    readFileSync(join(import.meta.dirname, '../../completions/borealisctl.bash'), 'utf8'),
  );
  await hold(place, 'completion', { ...told, script: '<script>' });
});

describe('enrolment', () => {
  let id = '';
  golden(
    'code-create',
    ['code', 'create', '--uses', '2', '--site', 'berlin', '--tag', 'env=test'],
    ({ id: made }: { id: string }) => {
      id = made;
    },
  );
  golden('code-list', ['code', 'list']);
  test('code revoke', async () => hold(place, 'code-revoke', await place.json(['code', 'revoke', id])));
  golden('approval-list', ['approval', 'list', '--all']);
});

describe('devices', () => {
  golden('device-tag', ['device', 'tag', 'golden-1', 'env=test', '--site', 'berlin']);
  golden('device-list', ['device', 'list']);
  golden('device-show', ['device', 'show', 'golden-1']);
  golden('device-quarantine', ['device', 'quarantine', 'golden-1']);
  golden('device-release', ['device', 'release', 'golden-1']);
  test('device inventory: its fields', async () => {
    const inventory = await place.json<Record<string, unknown>>(['device', 'inventory', 'golden-1']);
    await hold(place, 'device-inventory', Object.keys(inventory).sort());
  });
});

describe('work', () => {
  const script = place.path('hello.sh');
  writeFileSync(script, '#!/bin/sh\necho "hello $1"\n');
  test('run: one document, the finished job', async () => {
    const { code, stdout } = await place.ctl(['run', 'golden-1', '--json', '--', 'echo', 'one two']);
    expect(code).toBe(0);
    await hold(place, 'run', JSON.parse(stdout));
  });
  golden('script-add', ['script', 'add', script]);
  golden('script-list', ['script', 'list']);
  golden('script-show', ['script', 'show', 'hello']);
  golden('script-run', ['script', 'run', 'hello', 'golden-1']);
  golden('job-list', ['job', 'list']);
  golden('script-remove', ['script', 'remove', 'hello']);
});

describe('errors', () => {
  const failing = (name: string, exit: number, args: readonly string[]): void =>
    test(`${args.join(' ')} ends with ${exit}`, async () => {
      const { code, stdout } = await place.ctl([...args]);
      expect(code).toBe(exit);
      await hold(place, name, JSON.parse(stdout));
    });
  failing('error-usage', 2, ['device', 'lst', '--json']);
  failing('error-flag', 2, ['device', 'list', '--stat', 'online', '--json']);
  failing('error-value', 2, ['device', 'list', '--state', 'on', '--json']);
  failing('error-field', 2, ['code', 'create', '--expires', '1s', '--site', ' berlin', '--json']);
  failing('error-argument', 2, ['device', 'show', '--json']);
  failing('error-not-found', 3, ['device', 'show', 'golden-2', '--json']);
  failing('error-unconfirmed', 2, ['device', 'remove', '--all', '--json']);
  failing('error-unreachable', 5, ['status', '--socket', '/nonexistent/x.sock', '--json']);
});
