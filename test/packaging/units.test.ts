import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/sys/command.ts';
import { fillIn, renderUnit } from '../../src/sys/service-unit.ts';
import { parseTimestamp } from '../../src/sys/systemctl.linux.ts';
import { requires } from '../require.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const ENGINE = { program: '/opt/borealis', state: '/var/lib/borealis', user: 'borealis' };
const AGENT = { program: '/opt/borealis', state: '/var/lib/borealis-agent', user: 'root' };

describe('a unit', () => {
  test('has every name filled in', async () => {
    const engine = await renderUnit(CHECKOUT, 'engine', ENGINE);
    expect(engine).toContain('\nExecStart=/opt/borealis/bin/borealisd --state /var/lib/borealis\n');
    expect(engine).toContain('\nStateDirectory=borealis\nStateDirectoryMode=0710\n');
    expect(engine).toContain('\nUser=borealis\nGroup=borealis\n');
    const agent = await renderUnit(CHECKOUT, 'agent', AGENT);
    expect(agent).toContain(
      '\nExecStart=/opt/borealis/bin/borealis-agent run --state /var/lib/borealis-agent\n',
    );
    expect(agent).toContain('\nStateDirectory=borealis-agent\nStateDirectoryMode=0700\n');
    for (const text of [engine, agent]) expect(text.replace('@NAMES@', '')).not.toMatch(/@[A-Z_]+@/);
  });

  test('lets another state directory through, and no other', async () => {
    const text = await renderUnit(CHECKOUT, 'engine', { ...ENGINE, state: '/srv/data/borealis' });
    expect(text).toContain('\nReadWritePaths=/srv/data/borealis\n');
    expect(text).toContain(' --state /srv/data/borealis\n');
    expect(text).not.toContain('StateDirectory=');
  });

  test.each([
    { state: '/srv/a b' },
    { state: '/srv/x\nExecStartPre=/bin/sh' },
    { state: '/srv/%h' },
    { state: '/srv/$(id)' },
    { state: '/srv/../etc' },
    { state: '/srv/.' },
    { state: 'relative/state' },
    { state: '/srv/"x"' },
    { state: '/srv/x/' },
    { state: '/' },
    { state: '/srv' },
    { state: ['', 'home', 'me', 'borealis'].join('/') },
    { state: '/tmp/borealis' },
    { program: '/opt/x;y' },
    { user: 'root\nCapabilityBoundingSet=' },
    { user: '0' },
    { user: '-x' },
    { user: '' },
    { user: 'x'.repeat(33) },
  ])('takes nothing in that could be read as something else: %j', (bad) => {
    expect(() => fillIn('@STATE@ @USER@ @PROGRAM@', 'engine', { ...ENGINE, ...bad })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    );
  });

  test('without its template says that the checkout is not set up', async () => {
    await expect(renderUnit('/nonexistent', 'engine', ENGINE)).rejects.toMatchObject({ code: 'NOT_BUILT' });
  });
});

describe('systemd', requires('linux', 'systemd-analyze'), () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'borealis-units-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.each(['engine', 'agent'] as const)('understands every line of the %s’s unit', async (role) => {
    const text = await renderUnit(CHECKOUT, role, {
      ...(role === 'engine' ? ENGINE : AGENT),
      program: join(folder, 'program'),
    });
    await symlink(CHECKOUT, join(folder, 'program'));
    const file = join(folder, role === 'engine' ? 'borealisd.service' : 'borealis-agent.service');
    await writeFile(file, text);
    const { stdout, stderr } = await runCommand('systemd-analyze', ['verify', '--man=no', file], {
      timeoutMs: 60_000,
    });
    const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('borealis'));
    expect(about).toEqual([]);
  });
});

test('every setting of a unit that is not obvious has its reason in the unit', async () => {
  for (const name of await readdir(join(CHECKOUT, 'packaging/systemd'))) {
    const text = await readFile(join(CHECKOUT, 'packaging/systemd', name), 'utf8');
    expect(text).toContain('# What is left open, and why:');
  }
});

test.each([
  ['Fri 2025-11-21 02:48:00 UTC', '2025-11-21T02:48:00.000Z'],
  ['', null],
  [undefined, null],
  ['n/a', null],
])('the time %s of systemctl is %s', (text, time) => {
  expect(parseTimestamp(text)).toBe(time);
});
