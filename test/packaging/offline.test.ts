import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Services, systemServices } from '../../src/sys/service.ts';
import { requires } from '../require.ts';
import { makeSmallCheckout } from './small-checkout.ts';
import { listTree } from './tree-listing.ts';

/** Nothing runs in it: files of a machine that is yet to boot. */
describe('the image of a machine', requires('root', 'systemctl', 'systemd-sysusers', 'userdel'), () => {
  let folder: string;
  let root: string;
  let services: Services;
  const steps: string[] = [];
  const install = (role: 'engine' | 'agent', more: { state?: string; user?: string } = {}) =>
    services.install({ role, programRoot: join(folder, 'checkout'), ...more });
  const passwd = () => readFile(join(root, 'etc/passwd'), 'utf8');

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'borealis-image-'));
    root = join(folder, 'root');
    await makeSmallCheckout(join(folder, 'checkout'));
    for (const path of ['etc/systemd/system', 'usr/local/bin', 'opt', 'var/lib', 'run']) {
      await mkdir(join(root, path), { recursive: true });
    }
    for (const [name, text] of [
      ['passwd', 'root:x:0:0:root:/root:/bin/bash\n'],
      ['group', 'root:x:0:\n'],
      ['shadow', 'root:*:19000:0:99999:7:::\n'],
      ['gshadow', 'root:*::\n'],
    ] as const) {
      await writeFile(join(root, 'etc', name), text, { mode: 0o644 });
    }
    steps.length = 0;
    services = systemServices({ root, onStep: (step) => steps.push(step) });
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('has both services at its next boot, and after uninstalling no trace of them', async () => {
    const before = await listTree(root);
    expect(await install('engine')).toEqual({
      role: 'engine',
      unit: 'borealisd.service',
      installed: true,
      enabled: true,
      active: false,
      state: 'inactive/dead',
      pid: null,
      since: null,
      restarts: 0,
      status_text: null,
      user: 'borealis',
      state_directory: '/var/lib/borealis',
      program: '/opt/borealis',
      version: '1.2.3',
    });
    expect(await install('agent')).toMatchObject({ enabled: true, user: 'root', version: '1.2.3' });
    expect(await passwd()).toMatch(
      /^borealis:x:\d+:\d+:Borealis engine:\/var\/lib\/borealis:\/usr\/sbin\/nologin$/m,
    );
    expect(await readlink(join(root, 'usr/local/bin/borealisctl'))).toBe('/opt/borealis/bin/borealisctl');

    await services.uninstall({ role: 'engine' });
    expect(await passwd()).not.toContain('borealis');
    expect(await services.status('agent')).toMatchObject({ installed: true, enabled: true });
    await services.uninstall({ role: 'agent' });
    expect(await listTree(root)).toEqual(before);
  });

  test('keeps a user that was there before, and gives up one that it made for another', async () => {
    await writeFile(join(root, 'etc/passwd'), `${await passwd()}ours:x:500:500::/:/usr/sbin/nologin\n`);
    await writeFile(join(root, 'etc/group'), 'root:x:0:\nours:x:500:\n');
    await install('engine');
    expect(await passwd()).toContain('borealis:');
    await install('engine', { user: 'ours' });
    expect(await passwd()).not.toContain('borealis:');
    await install('engine');
    expect(await services.status('engine')).toMatchObject({ user: 'ours' });
    await services.uninstall({ role: 'engine', purge: true });
    expect(await passwd()).toContain('ours:');
  });

  test('purges the key of the agent too, which is not in its state', async () => {
    const key = join(root, 'etc/borealis-agent.key');
    await install('agent');
    await writeFile(key, 'k', { mode: 0o600 });
    await services.uninstall({ role: 'agent' });
    expect(existsSync(key)).toBe(true);
    await services.uninstall({ role: 'agent', purge: true });
    expect(existsSync(key)).toBe(false);
  });

  test('keeps a command of the same name that is not ours, and says so', async () => {
    await writeFile(join(root, 'usr/local/bin/borealisctl'), 'somebody’s own');
    await install('engine');
    expect(steps.filter((step) => step.includes('borealisctl is something else'))).toHaveLength(1);
    await services.uninstall({ role: 'engine' });
    expect(await readFile(join(root, 'usr/local/bin/borealisctl'), 'utf8')).toBe('somebody’s own');
  });

  test('is left as it was where something is refused', async () => {
    const before = await listTree(root);
    await expect(install('engine', { user: 'x y' })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(install('engine', { state: '/srv/borealis' })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await rm(join(folder, 'checkout/dist/borealisd.cjs'));
    await expect(install('engine')).rejects.toMatchObject({ code: 'NOT_BUILT' });
    expect(await listTree(root)).toEqual(before);
  });
});
