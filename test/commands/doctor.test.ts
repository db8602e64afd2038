import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import type { Check } from '../../src/protocol/engine.ts';
import { binary, Place, Process } from '../lab/processes.ts';
import { SmallDisk } from '../lab/tmpfs.ts';
import { requires } from '../require.ts';

const place = new Place();
afterAll(() => place.dispose());

const doctor = async (
  env: Record<string, string> = {},
): Promise<{ code: number | null; checks: Map<string, Check> }> => {
  const { code, stdout } = await place.start('borealisctl', ['doctor', '--json'], {
    BOREALIS_STATE: place.path('engine'),
    ...env,
  }).finished;
  return { code, checks: new Map((JSON.parse(stdout) as Check[]).map((check) => [check.id, check])) };
};

test('without an engine: that it is not there, and what would keep it from starting', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const { code, checks } = await doctor({ BOREALIS_LISTEN: `127.0.0.1:${port}` });
  taken.close();
  expect(code).toBe(1);
  expect(checks.get('engine')).toMatchObject({
    state: 'fail',
    remedy: 'Start it with: borealisctl daemon start',
  });
  expect(checks.get('port')).toMatchObject({
    state: 'fail',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  expect([...checks.keys()]).toEqual([
    'node',
    'clock',
    'packages',
    'wireguard',
    'engine',
    'permissions',
    'port',
    'disk',
  ]);
});

test('a state that others can read', async () => {
  mkdirSync(place.path('engine'), { mode: 0o700 });
  writeFileSync(place.path('engine', 'master.key'), 'x');
  chmodSync(place.path('engine', 'master.key'), 0o644);
  const { checks } = await doctor();
  expect(checks.get('permissions')).toMatchObject({
    state: 'fail',
    remedy: `chmod -R go-rwx ${place.path('engine')}`,
  });
});

test('packages that are missing, and how to have them', requires('debian'), async () => {
  // The folders of the system administrator are looked into all the same; git is in none of them.
  const { checks } = await doctor({ PATH: '/nonexistent' });
  expect(checks.get('packages')).toMatchObject({
    state: 'warn',
    message: expect.stringMatching(/^Missing: .*git \(/),
    remedy: expect.stringMatching(/^apt-get install .*\bgit\b/),
  });
});

test(
  'a socket that nobody may pass to, or nobody listens at, and why',
  requires('root', 'setpriv'),
  async () => {
    const state = place.path('dead');
    const engine = await place.startEngine(['--state', state]);
    await engine.kill('SIGKILL');
    const dead = await doctor({ BOREALIS_STATE: state });
    expect(dead.checks.get('engine')).toMatchObject({
      state: 'fail',
      message: expect.stringContaining('Nobody listens at'),
    });
    chmodSync(place.directory, 0o755);
    const within = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const asked = new Process(
      binary('borealisctl'),
      ['doctor', '--json'],
      { BOREALIS_STATE: state },
      { within },
    );
    const { stdout } = await asked.finished;
    expect((JSON.parse(stdout) as Check[]).find(({ id }) => id === 'engine')).toMatchObject({
      state: 'fail',
      message: expect.stringContaining('may not pass'),
    });
  },
);

test('a disk that is nearly full, whether the engine runs or not', {
  ...requires('root', 'tmpfs'),
  timeout: 180_000,
}, async () => {
  const disk = new SmallDisk(place.path('disk'), '64m');
  const state = `${disk.directory}/engine`;
  const look = async () => (await doctor({ BOREALIS_STATE: state })).checks.get('disk');
  const wrong = (found: string) => ({
    state: found,
    message: expect.stringContaining('Only '),
    remedy: expect.stringContaining('Free space'),
  });
  try {
    const engine = await place.startEngine(['--state', state]);
    expect(await look()).toMatchObject({ state: 'ok' });
    disk.fill(4 * 1_048_576);
    expect(await look()).toMatchObject(wrong('warn'));
    disk.fill(1_048_576);
    expect(await look()).toMatchObject(wrong('fail'));
    disk.empty();
    await engine.kill('SIGTERM');
    disk.fill(1_048_576);
    expect(await look()).toMatchObject(wrong('fail'));
  } finally {
    await place.end();
    disk.unmount();
  }
});

test('with an engine: what it finds itself, too; every check that is not well has its remedy', async () => {
  await place.startEngine(['--state', place.path('engine-2')]);
  const { checks } = await doctor({ BOREALIS_STATE: place.path('engine-2') });
  expect(checks.get('engine')?.state).toBe('ok');
  expect(checks.get('port')?.state).toBe('ok');
  for (const id of [
    'disk',
    'authority',
    'server_certificate',
    'agent_certificates',
    'agent_versions',
    'device_clocks',
  ])
    expect(checks.get(id)?.state, id).toMatch(/ok|warn/);
  for (const { id, state, remedy } of checks.values())
    expect(remedy === null, id).toBe(state === 'ok' || state === 'skipped');
});
