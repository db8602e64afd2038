/** What the shells' completions ask, of a real engine with real things in it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Place } from '../lab/processes.ts';

const place = new Place();
afterAll(() => place.dispose());

let job = '';
let code = '';
beforeAll(async () => {
  await place.startEngine();
  for (const name of ['web-1', 'web-2', 'db-1']) await place.startDevice(name);
  const file = join(place.directory, 'cleanup.sh');
  writeFileSync(file, '#!/bin/sh\necho done\n');
  await place.json(['script', 'add', file, '--description', 'Of old files.']);
  await place.ctl(['run', 'db-1', '--', 'true']);
  job = (await place.json<{ id: string }[]>(['job', 'list']))[0]?.id ?? '';
  ({ id: code } = await place.json<{ id: string }>(['code', 'create', '--site', 'berlin']));
  await place.ctl(['user', 'grant', 'root', 'admin']);
}, 60_000);

const offered = async (words: string, begins = ''): Promise<string[]> => {
  const { stdout, code } = await place.ctl([
    'completion',
    'names',
    `--begins=${begins}`,
    '--',
    ...words.split(' '),
  ]);
  expect(code).toBe(0);
  return stdout.split('\n').filter(Boolean);
};

test('devices, those that begin so, and none twice', async () => {
  expect(await offered('device show', 'web')).toEqual(['web-1', 'web-2']);
  expect(await offered('run web-1')).toEqual(['db-1', 'web-2']);
  expect(await offered('cp', 'db')).toEqual(['db-1:']);
});

test('scripts first, then devices', async () => {
  expect(await offered('script run')).toEqual(['cleanup\tOf old files.']);
  expect(await offered('script run cleanup', 'd')).toEqual(['db-1']);
});

test('jobs with what they were; only what runs can be cancelled', async () => {
  expect(await offered('job show')).toEqual([`${job}\tsucceeded: true`]);
  expect(await offered('job cancel')).toEqual([]);
});

test('what flags take: sites, tags, types of events, projects', async () => {
  await place.json(['device', 'tag', 'web-1', 'env=prod', 'tier=front', '--site', 'berlin']);
  await place.json(['device', 'tag', 'web-2', 'env=prod', '--site', 'Zürich 東']);
  await place.json(['device', 'tag', 'db-1', 'env=test']);
  expect(await offered('device list --site')).toEqual(['Zürich 東\t1 device', 'berlin\t1 device']);
  expect(await offered('run --all --site', 'Z')).toEqual(['Zürich 東\t1 device']);
  expect(await offered('device list --tag', 'e')).toEqual(['env=prod\t2 devices', 'env=test\t1 device']);
  expect(await offered('script run cleanup --tag', 'env=p')).toEqual(['env=prod\t2 devices']);
  expect(await offered('device list --tag', 'en=')).toEqual([]);
  expect(await offered('event watch --type', 'approval.a')).toEqual(['approval.approved']);
  expect(await offered('event list --type', 'sh')).toContain('shell');
  await place.ctl(['user', 'grant', 'nobody', 'viewer', '--project', 'north']);
  expect(await offered('vpn list --project')).toEqual(['north']);
  await place.ctl(['user', 'revoke', 'nobody', '--project', 'north']);
});

test('codes, settings, users', async () => {
  expect((await offered('code revoke')).find((line) => line.startsWith(code))).toBe(
    `${code}\t1 left, berlin`,
  );
  expect(await offered('config get', 'log_l')).toEqual([expect.stringMatching(/^log_level\t/)]);
  expect(await offered('user revoke')).toEqual(['root\tadmin']);
  expect(await offered('user grant root', 'v')).toEqual(['viewer']);
});

test('nothing where nothing is there, or is known', async () => {
  for (const words of [
    'vpn show',
    'connection show',
    'shell kill',
    'session replay',
    'approval show',
    'status',
  ])
    expect(await offered(words)).toEqual([]);
});

test('the engine that the command line names is asked', async () => {
  const { code, stdout } = await place.ctl([
    'completion',
    'names',
    '--',
    '--socket',
    '/nowhere',
    'device',
    'show',
  ]);
  expect([code, stdout]).toEqual([5, '']);
});
