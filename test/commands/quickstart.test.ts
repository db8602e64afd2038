/** The first command that anybody types, against nothing but the programs themselves. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isAlive } from '../../src/sys/processes.ts';
import { Place } from '../lab/processes.ts';
import { hold } from './hold.ts';
import { toldByQuickstart } from './told-by-quickstart.ts';

interface Told {
  readonly engine: { pid: number; listeners: { kind: string; address: string }[] };
  readonly device: { guid: string; name: string; state: string };
  readonly inventory: { os: { platform: string }; memory_bytes: number };
  readonly telemetry: { at: string };
  readonly job: { state: string; targets: { stdout: string; exit_code: number }[] };
  readonly steps: { step: string; state: string }[];
}

describe('quickstart', () => {
  const place = new Place();
  const env = { BOREALIS_STATE: place.path('all'), BOREALIS_LISTEN: '127.0.0.1:0' };
  const quickstart = (...args: string[]) => place.start('borealisctl', ['quickstart', ...args], env).finished;
  afterAll(async () => {
    await quickstart('--down');
    await place.dispose();
  });
  let first: Told;

  test('makes a device of this machine and runs a signed script on it, each step real', async () => {
    const { code, stdout, stderr } = await quickstart('--json');
    expect([code, stderr]).toEqual([0, '']);
    first = JSON.parse(stdout) as Told;
    expect(first.steps.map(({ step, state }) => `${step}: ${state}`)).toEqual([
      'Engine: done',
      'Enrolment: done',
      'Approval: done',
      'Agent: done',
      'Inventory: done',
      'Telemetry: done',
      'A signed script: done',
    ]);
    expect(first.device.state).toBe('online');
    expect(first.inventory.os.platform).toBe(process.platform);
    expect(first.job.targets[0]).toMatchObject({
      exit_code: 0,
      stdout: expect.stringContaining('Hello from'),
    });
    await hold(place, 'quickstart', toldByQuickstart(first));
  }, 120_000);

  test('leaves no enrolment secret in any file, and no argument of a process', () => {
    const log = readFileSync(join(env.BOREALIS_STATE, 'start.out'), 'utf8');
    expect(log).toBe('');
    expect(readFileSync(`/proc/${first.engine.pid}/cmdline`, 'utf8')).not.toContain('borealis://');
  });

  test('run again it leaves all of that as it is, and shows it', async () => {
    const { code, stdout } = await quickstart();
    expect(code).toBe(0);
    expect(stdout).toContain(`The engine runs already, process ${first.engine.pid}.`);
    expect(stdout).toContain(`This machine is enrolled already, as ${first.device.name}.`);
    expect(stdout).toContain('Hello from');
    expect(stdout).toContain('quickstart --down');
    expect(stdout).not.toContain('Approval');
  });

  test('--down ends both; the state stays, and comes up again as the same device', async () => {
    const { code, stdout } = await quickstart('--down', '--json');
    const told = JSON.parse(stdout) as { agent_pid: number; engine_pid: number };
    const { agent_pid, engine_pid } = told;
    await hold(place, 'quickstart-down', told);
    expect(code).toBe(0);
    expect(engine_pid).toBe(first.engine.pid);
    expect([agent_pid, engine_pid].every((pid) => pid > 0)).toBe(true);
    expect(JSON.parse((await quickstart('--down', '--json')).stdout)).toMatchObject({
      agent_pid: null,
      engine_pid: null,
    });
    expect(existsSync(join(env.BOREALIS_STATE, 'borealis.db'))).toBe(true);
  });

  test('an agent whose engine is gone for good enrols anew', async () => {
    const elsewhere = {
      ...env,
      BOREALIS_STATE: place.path('other'),
      BOREALIS_AGENT_STATE: join(env.BOREALIS_STATE, 'agent'),
    };
    const again = place.start('borealisctl', ['quickstart', '--json'], elsewhere);
    const { code, stdout } = await again.finished;
    const told = JSON.parse(stdout) as Told;
    await place.start('borealisctl', ['quickstart', '--down'], elsewhere).finished;
    expect(code).toBe(0);
    expect(told.steps).toContainEqual({ step: 'Approval', state: 'done' });
    expect(told.device.guid).not.toBe(first.device.guid);
  }, 120_000);

  test('--purge asks, and with --yes deletes', async () => {
    const asked = await quickstart('--down', '--purge', '--json');
    expect([asked.code, JSON.parse(asked.stdout).error.code]).toEqual([2, 'USAGE']);
    expect((await quickstart('--down', '--purge', '--yes')).code).toBe(0);
    expect(existsSync(env.BOREALIS_STATE)).toBe(false);
    expect(
      isAlive(first.engine.pid) && readFileSync(`/proc/${first.engine.pid}/stat`, 'utf8').includes(') S '),
    ).toBe(false);
  });
});

test('where the usual port is taken it takes the next one, says so and keeps it', async () => {
  const { choosePort } = await import('../../src/commands/local/quickstart/port.ts');
  const place = new Place();
  const taken = createServer();
  // Somebody else may have it already, which is as good.
  await new Promise<void>((resolve) =>
    taken.once('error', () => resolve()).listen(8_443, '0.0.0.0', resolve),
  );
  try {
    const where = {
      root: place.directory,
      engine: place.path('engine'),
      agent: place.path('agent'),
      socket: '',
      env: {},
    };
    const said = await choosePort(where);
    expect(said).toMatch(/^Port 8443 is taken by process \d+ .*; agents connect to port \d+ instead/);
    const port = /connect to port (\d+)/.exec(String(said))?.[1];
    expect(readFileSync(place.path('engine', 'borealisd.toml'), 'utf8')).toContain(
      `listen = "0.0.0.0:${port}"`,
    );
    expect(await choosePort(where)).toBeNull();
  } finally {
    taken.close();
    await place.dispose();
  }
});
