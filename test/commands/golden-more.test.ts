/** The --json of what decides, ends, is watched or is written to a file; as golden.test.ts. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { Place, type Process } from '../lab/processes.ts';
import { hold } from './hold.ts';

const place = new Place();
afterAll(() => place.dispose());
beforeAll(async () => {
  await place.startEngine();
  await place.startDevice('golden-1');
}, 60_000);

const golden = (name: string, args: () => readonly string[]): void =>
  test(name, async () => hold(place, name, await place.json([...args()])));

/** The first measurement of an agent has no rates yet. */
const known = (key: string, value: unknown): unknown => (key.endsWith('_per_s') ? (value ?? 0) : value);

/** The first `lines` documents of a stream. */
const stream = async (name: string, args: string[], wanted: number): Promise<void> => {
  const watch = place.start('borealisctl', [...args, '--json'], { BOREALIS_SOCKET: place.socket });
  const lines = (): string[] => watch.stdout.split('\n').slice(0, -1);
  await watch.until(() => lines().length >= wanted, `${wanted} lines`);
  await watch.kill('SIGINT');
  const documents = lines().slice(0, wanted);
  await hold(
    place,
    name,
    documents.map((line) => JSON.parse(line, known) as unknown),
  );
};

describe('approvals', () => {
  const asking: Process[] = [];
  const ids: string[] = [];
  beforeAll(async () => {
    for (const name of ['second', 'third']) {
      const { id, link } = await place.code();
      const env = { BOREALIS_AGENT_FINGERPRINT: name };
      asking.push(place.agent(name, ['enroll', '-'], env, `${link}\n`));
      const { data } = await place.event('approval.requested', (event) => event.data.code === id);
      ids.push(String(data.id));
    }
  });
  afterAll(() => Promise.all(asking.map(({ finished }) => finished)));
  golden('approval-show', () => ['approval', 'show', ids[0] as string]);
  golden('approval-approve', () => ['approval', 'approve', ids[0] as string, '--name', 'golden-2']);
  golden('approval-deny', () => ['approval', 'deny', ids[1] as string, '--reason', 'not ours']);
});

describe('jobs', () => {
  let failed = '';
  test('job show', async () => {
    const job = await place.run(['sh', '-c', 'echo out; echo err >&2; exit 3'], ['golden-1']);
    failed = job.id;
    await hold(place, 'job-show', await place.json(['job', 'show', failed]));
  });
  test('job watch', () => stream('job-watch', ['job', 'watch', failed], 2));
  golden('job-retry', () => ['job', 'retry', failed, '--detach']);
  test('job cancel', async () => {
    const { id } = await place.client.call('job.create', {
      work: { kind: 'command', argv: ['true'] },
      devices: ['golden-2'],
    });
    await hold(place, 'job-cancel', await place.json(['job', 'cancel', id]));
  });
});

describe('what is measured and what happens', () => {
  test('telemetry watch', () => stream('telemetry-watch', ['telemetry', 'watch', 'golden-1'], 1), 90_000);
  test('telemetry show', async () => {
    const [first] = await place.json<unknown[]>(['telemetry', 'show', 'golden-1']);
    await hold(place, 'telemetry-show', [JSON.parse(JSON.stringify(first), known)]);
  });
  test('event watch', () =>
    stream('event-watch', ['event', 'watch', '--after', '0', '--type', 'device.enrolled'], 1));
  golden('event-list', () => ['event', 'list', '--device', 'golden-1', '--type', 'device.enrolled']);
  golden('audit-list', () => ['audit', 'list', '--action', 'approval.deny']);
});

describe('devices', () => {
  golden('device-rename', () => ['device', 'rename', 'golden-2', 'golden-3']);
  golden('device-several', () => ['device', 'tag', 'golden-1', 'golden-3', 'env=test']);
  golden('device-revoke', () => ['device', 'revoke', 'golden-3', '--reason', 'stolen']);
  golden('device-remove', () => ['device', 'remove', 'golden-3']);
});

describe('this machine', () => {
  test('config check', async () => {
    const file = place.path('some.toml');
    writeFileSync(file, 'listn = "a:1"\nlog_level = "loud"\n', { mode: 0o600 });
    const { stdout } = await place.ctl(['config', 'check', file, '--json']);
    await hold(place, 'config-check', JSON.parse(stdout));
  });
  test('log: its fields', async () => {
    const { stdout } = await place.ctl(['log', '--component', 'engine', '--lines', '1', '--json']);
    const { time, level, component, msg } = JSON.parse(stdout) as Record<string, string>;
    await hold(place, 'log', { time, level, component, msg });
  });
  test('doctor: its checks and their fields', async () => {
    const { stdout } = await place.ctl(['doctor', '--json']);
    const checks = JSON.parse(stdout) as { id: string }[];
    await hold(
      place,
      'doctor',
      checks.map((check) => `${check.id}: ${Object.keys(check).join(' ')}`),
    );
  });
  test('service status: its fields', async () => {
    const { stdout } = await place.ctl(['service', 'status', '--json']);
    await hold(place, 'service-status', Object.keys(JSON.parse(stdout) as object));
  });
});

describe('an engine in the background', () => {
  const daemon = (name: string, verb: string, ...args: string[]) =>
    test(name, async () => {
      const state = place.path('second');
      const { stdout } = await place.ctl(['daemon', verb, '--state', state, ...args, '--json']);
      await hold(place, name, JSON.parse(stdout));
    });
  daemon('daemon-start', 'start', '--listen', '127.0.0.1:0');
  daemon('daemon-restart', 'restart', '--listen', '127.0.0.1:0');
  daemon('daemon-stop', 'stop');
});

describe('backups', () => {
  const secret = place.path('passphrase');
  writeFileSync(secret, 'correct horse battery staple\n', { mode: 0o600 });
  const backup = (verb: string, ...more: string[]) => [
    ...['backup', verb, place.path('golden.backup')],
    ...['--passphrase-file', secret, ...more],
  ];
  golden('backup-create', () => backup('create'));
  golden('backup-verify', () => backup('verify'));
  golden('backup-restore', () => backup('restore', '--yes'));
});
