/** What agent and engine say where its state cannot be used: as another user, on a full disk, with a damaged file. The real binary. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Check } from '../../src/protocol/engine.ts';
import { binary, type Finished, Place, Process } from '../lab/processes.ts';
import { SmallDisk } from '../lab/tmpfs.ts';
import { requires } from '../require.ts';

const place = new Place();
beforeAll(async () => {
  await place.startEngine();
  await place.enrolAgent('agent');
  // Others may come as far as its state, and no further.
  chmodSync(place.directory, 0o755);
});
afterAll(() => place.dispose());

const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const agent = (args: string[], within: string[] = [], input = ''): Promise<Finished> =>
  new Process(binary('borealis-agent'), args, {}, { within, input }).finished;
const errorOf = ({ stdout }: Finished) =>
  (JSON.parse(stdout) as { error: { code: string; message: string; next: string } }).error;

test.each(['run', 'status', 'unenroll', 'enroll'])(
  '%s as another user: whose the state is, and as whom to run it',
  requires('root', 'setpriv'),
  async (command) => {
    const { link } = await place.code({});
    const args = [command, ...(command === 'enroll' ? ['-'] : []), '--json', '--state', place.path('agent')];
    const ended = await agent(args, NOBODY, `${link}\n`);
    expect(ended.code).toBe(4);
    expect(errorOf(ended)).toEqual({
      code: 'STATE_INACCESSIBLE',
      message: `The state directory cannot be read or written. ${place.path('agent')} belongs to root; this runs as nobody.`,
      next: 'Run it as root (sudo), or use a directory of your own with --state.',
    });
  },
);

test('the engine says the same of its own', requires('root', 'setpriv'), async () => {
  const engine = new Process(binary('borealisd'), ['--state', place.path('engine')], {}, { within: NOBODY });
  const { code, stderr } = await engine.finished;
  expect(code).toBe(4);
  expect(stderr).toContain(`${place.path('engine')} belongs to root; this runs as nobody.`);
});

test('doctor finds it too, and ends as borealisctl doctor does', requires('root', 'setpriv'), async () => {
  const args = ['doctor', '--state', place.path('agent')];
  const look = async (within: string[] = []) => {
    const { code, stdout } = await agent([...args, '--json'], within);
    return { code, checks: new Map((JSON.parse(stdout) as Check[]).map((check) => [check.id, check])) };
  };
  const served = place.start('borealis-agent', ['run', '--state', place.path('agent')]);
  await place.event('device.online');
  await expect
    .poll(async () => (await look()).checks.get('process'), { timeout: 30_000 })
    .toMatchObject({ state: 'ok', remedy: null });
  const own = await look();
  expect(own.code).toBe(0);
  expect(own.checks.get('engine')).toMatchObject({ state: 'ok' });
  const closed = await look(NOBODY);
  expect(closed.code).toBe(1);
  expect(closed.checks.get('state')).toMatchObject({
    state: 'fail',
    message: expect.stringContaining('belongs to root; this runs as nobody.'),
    remedy: expect.stringContaining('sudo'),
  });
  const { stdout, stderr } = await agent(args);
  expect(stdout).toMatch(/^ok +engine +The engine at /m);
  expect(stderr).toMatch(/All is well\.|0 failures, \d warning/);
  await served.kill('SIGTERM');
});

test('enroll into a directory that only another may write to', requires('root', 'setpriv'), async () => {
  const { link } = await place.code({});
  const ended = await agent(['enroll', '-', '--state', place.path('new')], NOBODY, `${link}\n`);
  expect(ended.code).toBe(4);
  expect(ended.stderr).toContain(`${place.directory} belongs to root; this runs as nobody.`);
  expect(ended.stderr).toContain('Next: Run it as root (sudo)');
});

test('a full disk', requires('root', 'tmpfs'), async () => {
  const disk = new SmallDisk(place.path('disk'), '256k');
  try {
    disk.fill();
    const { link } = await place.code({ auto_approve: true });
    const ended = await agent(['enroll', '-', '--json', '--state', disk.directory], [], `${link}\n`);
    expect([ended.code, errorOf(ended).code]).toEqual([1, 'DISK_FULL']);
    expect(errorOf(ended).next).toMatch(/^Free space/);
  } finally {
    disk.unmount();
  }
});

test('a file system that is read-only', requires('root', 'tmpfs'), async () => {
  mkdirSync(place.path('read-only'));
  const mounted = `mount -t tmpfs -o ro,mode=0700 none ${place.path('read-only')} && exec "$0" "$@"`;
  const within = ['unshare', '--mount', 'sh', '-c', mounted];
  const { link } = await place.code({});
  const ended = await agent(
    ['enroll', '-', '--json', '--state', place.path('read-only')],
    within,
    `${link}\n`,
  );
  expect([ended.code, errorOf(ended).code]).toEqual([4, 'STATE_INACCESSIBLE']);
  expect(errorOf(ended).message).toContain('is on a read-only file system');
});

test('a damaged key: which file, and the way out, which is one', async () => {
  const key = place.path('agent', 'system', 'identity.pem');
  const before = readFileSync(key);
  writeFileSync(key, before.subarray(0, 40));
  const args = ['--json', '--state', place.path('agent')];
  const damaged = await agent(['run', ...args]);
  expect(damaged.code).toBe(1);
  expect(errorOf(damaged)).toEqual({
    code: 'STATE_DAMAGED',
    message: `A file in the state directory is damaged. ${key}: it is not a private key.`,
    next: 'Restore it, or enrol again: borealis-agent unenroll, then borealis-agent enroll LINK',
  });
  writeFileSync(key, before);
  writeFileSync(place.path('agent', 'system', 'membership.json'), '{"version":1');
  expect(errorOf(await agent(['status', ...args])).message).toContain('membership.json');
  const forgotten = await agent(['unenroll', '--yes', ...args]);
  expect(JSON.parse(forgotten.stdout)).toEqual({
    guid: null,
    name: null,
    context: 'system',
    unenrolled: true,
  });
});
