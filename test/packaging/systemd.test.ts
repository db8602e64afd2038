/**
 * The services as an administrator has them: a whole Debian with systemd as process 1, the real binaries, installed,
 * rebooted, killed, hung, upgraded and removed. One machine for all of it, so the tests build on each other in order.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Client } from '../../src/client/client.ts';
import type { ServiceStatus } from '../../src/sys/service.ts';
import { hold } from '../commands/hold.ts';
import { requires } from '../require.ts';
import { debianTree, NoMirror } from './debian-tree.ts';
import { Machine } from './machine.ts';
import { listTree } from './tree-listing.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
/** From the checkout, before anything is installed. */
const CTL = join(CHECKOUT, 'bin/borealisctl');
const UNIT = { engine: 'borealisd.service', agent: 'borealis-agent.service' } as const;
/** debootstrap takes a minute the first time; a slow mirror more. */
const PREPARE_MS = 16 * 60_000;
const PATIENCE = { timeout: 60_000, interval: 100 };

let machine: Machine;
let before: string[];
let unavailable: string | undefined;

const status = async (role: 'engine' | 'agent'): Promise<ServiceStatus> =>
  JSON.parse(
    await machine.read(CTL, 'service', 'status', '--json', ...(role === 'agent' ? ['--agent'] : [])),
  ) as ServiceStatus;

const ctl = async (...args: readonly string[]): Promise<unknown> => {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return JSON.parse(await machine.read('borealisctl', ...args.toSpliced(end, 0, '--json')));
};

/** kill(1) is the shell's own in so small a Debian. */
const signal = (name: string, pid: number | null) => machine.read('sh', '-c', `kill -${name} ${pid}`);

/** Resolves with the status once the service runs as another process than `pid`, and is ready. */
const backAfter = (role: 'engine' | 'agent', pid: number | null): Promise<ServiceStatus> =>
  vi.waitFor(async () => {
    const now = await status(role);
    expect(now).toMatchObject({ active: true, state: 'active/running' });
    expect(now.pid).not.toBe(pid);
    return now;
  }, PATIENCE);

/** From 0, none, to 10. */
const exposure = async (role: 'engine' | 'agent'): Promise<number> => {
  const { stdout } = await machine.run('systemd-analyze', ['security', '--no-pager', UNIT[role]]);
  const line = stdout.split('\n').find((text) => text.includes('Overall exposure level')) ?? stdout;
  console.info(line.replace(/^\W+/, ''));
  return Number(/: ([\d.]+)/.exec(line)?.[1]);
};

const needs = requires('root', 'debian', 'namespaces', 'debootstrap', 'systemd-nspawn');

describe('services under systemd', { ...needs, timeout: 3 * 60_000 }, () => {
  beforeAll(async () => {
    try {
      machine = await Machine.boot(await debianTree(), [CHECKOUT]);
    } catch (error) {
      if (!(error instanceof NoMirror)) throw error;
      unavailable = error.message;
      return;
    }
    before = await listTree(machine.root);
  }, PREPARE_MS);
  beforeEach((context) => context.skip(unavailable !== undefined, unavailable));
  afterAll(() => machine?.dispose());

  test('nothing is installed at first', async () => {
    expect(await status('engine')).toMatchObject({ installed: false, active: false, enabled: false });
    expect(await status('agent')).toMatchObject({ installed: false, active: false, enabled: false });
  });

  test('the engine is installed and runs as a user of its own', async () => {
    await machine.read(CTL, 'service', 'install');
    const now = await status('engine');
    expect(now).toMatchObject({
      installed: true,
      enabled: true,
      active: true,
      user: 'borealis',
      state_directory: '/var/lib/borealis',
      program: '/opt/borealis',
      restarts: 0,
    });
    expect((await machine.read('stat', '--format=%U', `/proc/${now.pid}`)).trim()).toBe('borealis');
    expect(await ctl('status')).toMatchObject({
      ready: true,
      pid: now.pid,
      state_directory: '/var/lib/borealis',
    });
  });

  test('the engine is exposed no more than 3.0', async () => {
    expect(await exposure('engine')).toBeLessThanOrEqual(3);
  });

  test('its only privilege is CAP_NET_ADMIN, and what it starts has it too', async () => {
    const { pid } = await status('engine');
    const process = await machine.read('cat', `/proc/${pid}/status`);
    for (const set of ['Eff', 'Prm', 'Bnd', 'Amb']) expect(process).toContain(`Cap${set}:\t0000000000001000`);
    expect(process).toContain('NoNewPrivs:\t1');
    expect(process).toContain('Seccomp:\t2');
  });

  test('members of the group reach it, others do not', async () => {
    await machine.read('useradd', '--groups', 'borealis', 'alice');
    await machine.read('useradd', 'mallory');
    const asUser = (name: string) =>
      machine.run('runuser', ['-u', name, '--', 'borealisctl', 'status', '--json']);
    try {
      expect((await asUser('alice')).stdout).toContain('STRANGER');
      await ctl('user', 'grant', 'alice', 'viewer');
      expect(JSON.parse((await asUser('alice')).stdout)).toMatchObject({ ready: true });
      expect(await asUser('mallory')).toMatchObject({ exitCode: 5 });
      const listing = await machine.run('runuser', ['-u', 'alice', '--', 'ls', '/var/lib/borealis']);
      expect(listing.exitCode).not.toBe(0);
    } finally {
      for (const name of ['alice', 'mallory']) await machine.read('userdel', name);
    }
  });

  test('the agent is installed, and waits until it is enrolled', async () => {
    await machine.read(CTL, 'service', 'install', '--agent');
    expect(await status('agent')).toMatchObject({
      installed: true,
      enabled: true,
      active: false,
      restarts: 0,
    });
    const { link } = (await ctl('code', 'create', '--auto-approve')) as { link: string };
    await machine.read('borealis-agent', 'enroll', link);
    await machine.read('systemctl', 'start', UNIT.agent);
    expect(await status('agent')).toMatchObject({ active: true, user: 'root' });
    expect(await exposure('agent')).toBeLessThan(10);
    await deviceOnline();
  });

  test('the engine makes its end of a tunnel, with no other privilege, and leaves nothing of it', async () => {
    const { exitCode, stdout } = await machine.run('borealisctl', [
      'tunnel',
      'connect',
      await deviceName(),
      '--json',
    ]);
    // Its own end stood when the agent, which is on the same machine, said no.
    expect(exitCode).not.toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'TUNNEL_UNSUPPORTED', message: expect.stringContaining("engine's own machine") },
    });
    await vi.waitFor(async () => {
      expect(await machine.read('ip', '-brief', 'link')).not.toContain('borealis');
      expect(await machine.read('nft', 'list', 'tables')).not.toContain('borealis');
    }, PATIENCE);
  });

  test('both start at boot', async () => {
    await machine.reboot();
    await backAfter('engine', null);
    await backAfter('agent', null);
    await deviceOnline();
  });

  test.each(['engine', 'agent'] as const)('the %s comes back after kill -9', async (role) => {
    const { pid } = await status(role);
    await signal('KILL', pid);
    expect((await backAfter(role, pid)).restarts).toBe(1);
    await deviceOnline();
  });

  test.each(['engine', 'agent'] as const)(
    'the %s is restarted by the watchdog when it hangs',
    async (role) => {
      await dropIn(role, '[Service]\nWatchdogSec=2s\n');
      await machine.read('systemctl', 'restart', UNIT[role]);
      const { pid } = await backAfter(role, null);
      await signal('STOP', pid);
      await backAfter(role, pid);
      expect(await machine.read('journalctl', '--unit', UNIT[role], '--boot')).toContain('Watchdog timeout');
      await deviceOnline();
    },
  );

  test('the agent tells what systemd knows of a service, and how the machine is', async () => {
    expect(await verb('get_service_status', { service: UNIT.engine })).toMatchObject({
      exists: true,
      active: 'active',
      sub: 'running',
      enabled: 'enabled',
      pid: (await status('engine')).pid,
      since: expect.stringMatching(/^20/),
    });
    expect(await verb('get_service_status', { service: 'nothing.service' })).toMatchObject({
      exists: false,
      active: 'inactive',
      pid: null,
    });
    expect(await verb('get_system_health', {})).toMatchObject({ failed_services: expect.any(Array) });
  });

  test('what a script leaves running with setsid may restart the agent, and comes to its end', async () => {
    const { pid } = await status('agent');
    const work = `systemctl restart ${UNIT.agent}; echo finished > /root/mark`;
    const script = `setsid sh -c '${work}' < /dev/null > /dev/null 2>&1 &`;
    await ctl('run', await deviceName(), '--', 'sh', '-c', script);
    await backAfter('agent', pid);
    await vi.waitFor(
      async () => expect(await machine.read('cat', '/root/mark')).toBe('finished\n'),
      PATIENCE,
    );
    await machine.read('rm', '/root/mark');
    await deviceOnline();
  });

  test('an engine that was started by hand keeps the service out, and is named', async () => {
    await machine.read('systemctl', 'stop', UNIT.engine);
    await machine.read(
      'systemd-run',
      '--unit=by-hand',
      '--uid=borealis',
      '/opt/borealis/bin/borealisd',
      '--state',
      '/var/lib/borealis',
    );
    await vi.waitFor(async () => expect(await ctl('status')).toMatchObject({ ready: true }), PATIENCE);
    const { exitCode, stdout } = await machine.run(CTL, ['service', 'install', '--json']);
    expect(exitCode).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'STATE_LOCKED' } });
    await machine.read('systemctl', 'stop', 'by-hand');
    await machine.read('systemctl', 'start', UNIT.engine);
  });

  test('a wrong configuration stands still and is seen, and goes on once corrected', async () => {
    await dropIn('engine', '[Service]\nEnvironment=BOREALIS_LISTEN=nonsense\n');
    expect((await machine.run('systemctl', ['restart', UNIT.engine])).exitCode).not.toBe(0);
    expect(await status('engine')).toMatchObject({ active: false, state: 'failed/failed' });
    const { exitCode, stdout } = await machine.run(CTL, ['service', 'install', '--json']);
    expect({ exitCode, stdout }).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('BOREALIS_LISTEN'),
    });
    await dropIn('engine', '');
    await machine.read('systemctl', 'restart', UNIT.engine);
    await backAfter('engine', null);
  });

  test('installing again is the upgrade: both restart, the state stays', async () => {
    const [engine, agent, device] = [await status('engine'), await status('agent'), await deviceName()];
    const told = JSON.parse(await machine.read(CTL, 'service', 'install', '--json')) as ServiceStatus;
    await hold({ directory: CHECKOUT }, 'service-install', told);
    await backAfter('engine', engine.pid);
    await backAfter('agent', agent.pid);
    await deviceOnline();
    expect(await deviceName()).toBe(device);
  });

  test('uninstalling keeps the state for root alone, and installing takes it up again', async () => {
    const { ca_pin: pin } = (await ctl('status')) as { ca_pin: string };
    const told = JSON.parse(await machine.read(CTL, 'service', 'uninstall', '--json')) as ServiceStatus;
    await hold({ directory: CHECKOUT }, 'service-uninstall', told);
    expect(await status('engine')).toMatchObject({ installed: false, active: false });
    expect((await machine.read('stat', '--format=%a %U:%G', '/var/lib/borealis')).trim()).toBe(
      '700 root:root',
    );
    expect(await machine.read('find', '/var/lib/borealis', '!', '-user', 'root')).toBe('');
    expect((await machine.run('getent', ['passwd', 'borealis'])).exitCode).toBe(2);
    expect(await status('agent')).toMatchObject({ active: true });
    await machine.read(CTL, 'service', 'install');
    await backAfter('engine', null);
    expect(await ctl('status')).toMatchObject({ ca_pin: pin });
  });

  test('purge asks first', async () => {
    const { exitCode, stdout } = await machine.run(CTL, ['service', 'uninstall', '--purge', '--json']);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 2, stdout: expect.stringContaining('--yes') });
    expect(await status('engine')).toMatchObject({ active: true });
  });

  test('the state may be elsewhere', async () => {
    await machine.read(CTL, 'service', 'uninstall', '--purge', '--yes');
    await machine.read('mkdir', '--parents', '/srv/data/private');
    const refused = await machine.run(CTL, ['service', 'install', '--state', '/srv/data', '--json']);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'STATE_UNSAFE' } });
    await machine.read(CTL, 'service', 'install', '--state', '/srv/data/borealis');
    const now = await status('engine');
    expect(now).toMatchObject({ active: true, state_directory: '/srv/data/borealis' });
    const socket = '/srv/data/borealis/run/borealisd.sock';
    expect(await ctl('status', '--socket', socket)).toMatchObject({ state_directory: '/srv/data/borealis' });
    await machine.read(CTL, 'service', 'install');
    expect(await status('engine')).toMatchObject({ active: true, state_directory: '/srv/data/borealis' });
    await machine.read(CTL, 'service', 'uninstall', '--purge', '--yes');
    expect(await machine.read('ls', '/srv/data')).toBe('private\n');
    await machine.read('rm', '--recursive', '/srv/data');
    await machine.read(CTL, 'service', 'install');
  });

  test('uninstalled, both leave no trace', async () => {
    await machine.read(CTL, 'service', 'uninstall', '--agent', '--purge', '--yes');
    await machine.read(CTL, 'service', 'uninstall', '--purge', '--yes');
    expect(await status('engine')).toMatchObject({ installed: false, active: false });
    expect(await listTree(machine.root)).toEqual(before);
    for (const list of ['list-unit-files', 'list-units']) {
      expect((await machine.run('systemctl', [list, '--all', '--no-legend', 'borealis*'])).stdout).toBe('');
    }
    // Once more does no harm.
    await machine.read(CTL, 'service', 'uninstall');
  });
});

/** Asked through the engine's socket, which is seen from outside of the machine. */
const verb = async (name: string, args: Record<string, string>): Promise<unknown> => {
  const client = new Client(join(machine.root, 'var/lib/borealis/run/borealisd.sock'));
  const { id } = await client.call('job.create', { all: true, work: { kind: 'verb', verb: name, args } });
  for await (const message of client.stream('job.watch', { job: id })) if (message.type === 'job') break;
  return (await client.call('job.show', { job: id })).targets[0]?.value;
};

const devices = async (): Promise<{ name: string; state: string }[]> =>
  (await ctl('device', 'list')) as { name: string; state: string }[];

const deviceName = async (): Promise<string> => (await devices())[0]?.name ?? '';

const deviceOnline = (): Promise<void> =>
  vi.waitFor(async () => expect(await devices()).toMatchObject([{ state: 'online' }]), PATIENCE);

/** As `systemctl edit` writes it; empty to take it away. */
const dropIn = async (role: 'engine' | 'agent', text: string): Promise<void> => {
  const folder = join(machine.root, 'etc/systemd/system', `${UNIT[role]}.d`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'override.conf'), text);
  await machine.read('systemctl', 'daemon-reload');
};
