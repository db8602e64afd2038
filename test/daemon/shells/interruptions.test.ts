import { cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FROM_AGENT_PORT } from '../../../src/protocol/agent-port.ts';
import { encodeFrame, encodeJsonFrame, encodeOutput } from '../../../src/protocol/agent-port-codec.ts';
import type { Shell, ShellNotice } from '../../../src/protocol/shell.ts';
import { until } from '../agents.ts';
import type { Typist } from '../api/typist.ts';
import { problem } from '../engine.ts';
import { GUID, ShellLab } from './lab.ts';

let lab: ShellLab;
beforeEach(async () => {
  lab = await ShellLab.open();
});
afterEach(() => lab.close());

const notice = (typist: Typist, type: ShellNotice['type']): Promise<ShellNotice> =>
  typist.notice<ShellNotice>(type);
const text = (typist: Typist, wanted: string): Promise<void> =>
  typist.until(() => typist.text.includes(wanted));
const listed = async (): Promise<Shell | undefined> => (await lab.call<Shell[]>('GET', '/shells')).body[0];
const stateIs = (state: Shell['state']): Promise<unknown> =>
  until(async () => (await listed())?.state === state);
const stored = (): Promise<unknown> => until(() => lab.agent.shell.acked === lab.agent.shell.end);

test('a connection that breaks is made again: viewers are told, no output is lost, none comes twice', async () => {
  const { id } = await lab.create();
  const typist = await lab.attach(id);
  let printed = '';
  for (let round = 0; round < 5; round++) {
    const line = `round ${round}\r\n`;
    lab.agent.shell.print(line);
    lab.agent.cut();
    lab.agent.shell.print(`away ${round}\r\n`);
    printed += `${line}away ${round}\r\n`;
    expect(await notice(typist, 'interrupted')).toBeDefined();
    expect(await notice(typist, 'attached')).toMatchObject({ read_only: false });
  }
  lab.agent.shell.exit(0);
  await typist.closed;
  expect(await lab.recorded(id)).toBe(printed);
  expect(await lab.session(id)).toMatchObject({ state: 'complete' });
  const attaches = lab.agent.tokens.filter(({ claims }) => claims.purpose === 'attach');
  expect(attaches.length).toBeGreaterThanOrEqual(5);
});

test('an agent that listens a moment after its tunnel passes packets is waited for', async () => {
  const { port } = lab.agent;
  await lab.agent.close();
  const starting = lab.create();
  await until(() => lab.tunnels.opened.length > 0);
  await lab.agent.start('127.0.0.1', port);
  expect(await starting).toMatchObject({ state: 'running' });
});

test('where the agent had to forget, the recording says so and shows the screen, and viewers see it anew', async () => {
  const { id } = await lab.create();
  const typist = await lab.attach(id);
  lab.agent.shell.print('before\r\n');
  await stored();
  lab.tunnels.down(GUID);
  expect(await notice(typist, 'interrupted')).toMatchObject({ reason: expect.any(String) });
  lab.agent.shell.print('x'.repeat(1_000));
  lab.agent.shell.forget(0);
  lab.agent.shell.print('after\r\n');
  lab.tunnels.up(GUID);
  await notice(typist, 'attached');
  await text(typist, 'after');
  expect(await lab.recorded(id, 'm')).toBe(
    '1000 bytes of output were lost while the engine could not be reached',
  );
  const shown = await lab.recorded(id);
  expect(shown.startsWith('before\r\n')).toBe(true);
  expect(shown).toContain('\x1bc<');
  lab.agent.shell.exit(0);
  await typist.closed;
});

test('while it is out of reach nothing typed waits anywhere', async () => {
  const { id } = await lab.create();
  const olaf = await lab.attach(id, 'olaf');
  lab.tunnels.failing = true;
  lab.tunnels.down(GUID);
  await notice(olaf, 'interrupted');
  olaf.type('reboot\r');
  expect(await notice(olaf, 'refused')).toMatchObject({ code: 'SHELL_UNREACHABLE' });
  expect(await listed()).toMatchObject({ state: 'unreachable', viewers: [{ user: 'olaf' }] });
  // Tried again and again on behalf of the operator who waits.
  const before = lab.tunnels.opened.length;
  await until(() => lab.tunnels.opened.length > before + 2);
  expect(lab.tunnels.opened.at(-1)).toMatchObject({ user: 'olaf' });
  lab.tunnels.failing = false;
  expect(await notice(olaf, 'attached')).toBeDefined();
  expect(lab.agent.shell.typed).toEqual([]);
});

test('nobody brings a tunnel up but for an operator; a tunnel that comes back brings its shells back', async () => {
  const { id } = await lab.create();
  const ada = await lab.attach(id, 'ada');
  const opened = lab.tunnels.opened.length;
  lab.tunnels.down(GUID);
  await notice(ada, 'interrupted');
  expect(problem(await lab.knock(id, 'ada').refused)).toMatchObject({
    status: 503,
    code: 'SHELL_UNREACHABLE',
  });
  expect(lab.tunnels.opened.length).toBe(opened);
  lab.agent.shell.print('meanwhile');
  lab.tunnels.up(GUID);
  await notice(ada, 'attached');
  await text(ada, 'meanwhile');
  // An operator who attaches is enough.
  lab.tunnels.down(GUID);
  await notice(ada, 'interrupted');
  const olaf = await lab.attach(id, 'olaf');
  expect(lab.tunnels.opened.length).toBe(opened + 1);
  await notice(olaf, 'attached');
  await notice(ada, 'attached');
});

test('a shell that the agent no longer knows has ended, cut off', async () => {
  const { id } = await lab.create();
  const typist = await lab.attach(id);
  lab.agent.shell.print('so far\r\n');
  await stored();
  lab.agent.shells.clear();
  lab.agent.cut();
  expect(await notice(typist, 'ended')).toEqual({ type: 'ended', exit_code: null, signal: null });
  await typist.closed;
  expect(await lab.session(id)).toMatchObject({ state: 'cut_off', ended_at: null, exit_code: null });
  expect(await lab.recorded(id)).toBe('so far\r\n');
  expect((await lab.event('shell.ended')).message).toContain('gone');
});

test('a device that is revoked or removed takes its shells with it', async () => {
  const { id } = await lab.create();
  const typist = await lab.attach(id);
  await lab.store.write((tx) =>
    lab.events.record(tx, { type: 'device.removed', message: 'x', device: { guid: GUID, name: 'web1' } }),
  );
  await notice(typist, 'ended');
  expect(await lab.session(id)).toMatchObject({ state: 'cut_off' });
});

describe('an engine that starts again', () => {
  test('goes on with the shells that run: no output lost, none twice, one recording', async () => {
    const { id } = await lab.create({ record_input: true });
    lab.agent.shell.print('first engine\r\n');
    await stored();
    const left = await lab.leave();
    left.agent.shell.print('no engine\r\n');
    lab = await ShellLab.open(left);
    await stateIs('running');
    lab.agent.shell.print('second engine\r\n');
    const typist = await lab.attach(id);
    typist.type('x');
    await text(typist, 'x');
    lab.agent.shell.exit(7);
    await typist.closed;
    expect(await lab.recorded(id)).toBe('first engine\r\nno engine\r\nsecond engine\r\nx');
    expect(await lab.recorded(id, 'i')).toBe('x');
    expect(await lab.session(id)).toMatchObject({ state: 'complete', exit_code: 7, input_recorded: true });
  });

  test('hears how those ended that did so meanwhile', async () => {
    const { id } = await lab.create();
    const left = await lab.leave();
    left.agent.shell.print('last words');
    left.agent.shell.exit(9);
    lab = await ShellLab.open(left);
    await lab.event('shell.ended');
    expect(await lab.session(id)).toMatchObject({ state: 'complete', exit_code: 9 });
    expect(await lab.recorded(id)).toBe('last words');
  });

  test('after it was killed at any moment, has what was recorded, and the agent the rest', async () => {
    const { id } = await lab.create();
    let printed = '';
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 40; n++) {
        const line = `${round}.${n} ${'€'.repeat(n)}\r\n`;
        printed += line;
        lab.agent.shell.print(line);
      }
      if (round % 2 === 0) await until(() => lab.agent.shell.acked > 0);
      // What a killed engine leaves: its files as they are at this moment.
      const directory = mkdtempSync(join(tmpdir(), 'borealis-killed-'));
      cpSync(lab.directory, directory, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      const { agent, tunnels } = lab;
      const dead = lab;
      lab = await ShellLab.open({ directory, agent, tunnels });
      await dead.leave();
      await stateIs('running');
    }
    lab.agent.shell.exit(0);
    await lab.event('shell.ended');
    expect(await lab.recorded(id)).toBe(printed);
  });

  test('ends a shell of which nobody was told, because it was killed while that began', async () => {
    const { id } = await lab.create();
    const left = await lab.leave();
    const { SqliteStore } = await import('../../../src/store/sqlite.ts');
    const store = await SqliteStore.open(join(left.directory, 'borealis.db'));
    await store.write((tx) => tx.db.updateTable('shell').set({ state: 'starting' }).execute());
    await store.close();
    lab = await ShellLab.open(left);
    expect((await lab.call<Shell[]>('GET', '/shells')).body).toEqual([]);
    await until(() => lab.agent.shell.kills.includes('SIGKILL'));
    await until(() => lab.files.length === 0);
    await until(async () => (await lab.store.read.selectFrom('shell').select('id').execute()).length === 0);
    expect(problem(await lab.knock(id).refused).code).toBe('SHELL_NOT_FOUND');
  });

  test('whose recording was meddled with: the shell is killed, not used', async () => {
    const { id } = await lab.create();
    lab.agent.shell.print('x'.repeat(500));
    await stored();
    const left = await lab.leave();
    const file = join(left.directory, 'recordings', `${id}.cast`);
    const { readFileSync, writeFileSync } = await import('node:fs');
    const bytes = readFileSync(file);
    bytes[60]! ^= 1;
    writeFileSync(file, bytes);
    lab = await ShellLab.open(left);
    await lab.event('shell.ended');
    expect(lab.agent.shell.kills).toEqual(['SIGKILL']);
    expect(lab.lines.join('')).toContain('could not be taken up');
    expect(problem(await lab.call('GET', `/sessions/${id}/cast`)).code).toBe('RECORDING_DAMAGED');
  });

  test('finds the device of a shell gone, and the shell ended', async () => {
    const { id } = await lab.create();
    const left = await lab.leave();
    left.tunnels.down(GUID);
    const { SqliteStore } = await import('../../../src/store/sqlite.ts');
    const store = await SqliteStore.open(join(left.directory, 'borealis.db'));
    await store.write((tx) => tx.db.deleteFrom('device').where('guid', '=', GUID).execute());
    await store.close();
    lab = await ShellLab.open(left);
    await lab.event('shell.ended');
    expect(await lab.session(id)).toMatchObject({ device: 'web1', state: 'cut_off' });
  });
});

describe('a disk that is full', () => {
  const full = async () => ({ total: 1e12, free: 1_000, percent_free: 0 });

  test('a shell does not begin', async () => {
    lab.disk = full;
    expect(problem(await lab.call('POST', '/shells', { device: 'web1' }))).toMatchObject({
      status: 507,
      code: 'DISK_FULL',
    });
    expect(lab.agent.tokens).toEqual([]);
    expect(lab.files).toEqual([]);
  });

  test('a shell that runs stands still, says why, takes no key; then goes on, and all of it is recorded', async () => {
    const { disk } = lab;
    const { id } = await lab.create();
    const typist = await lab.attach(id);
    lab.disk = full;
    lab.clock.advance(5_000);
    const line = `${'y'.repeat(998)}\r\n`;
    const before = lab.agent.shell.sent;
    lab.agent.shell.print(line.repeat(2_000));
    expect(await notice(typist, 'interrupted')).toMatchObject({ reason: expect.stringMatching(/disk/i) });
    typist.type('z');
    expect(await notice(typist, 'refused')).toMatchObject({ code: 'DISK_FULL' });
    // The agent was told of nothing stored, so it sends no more.
    expect(lab.agent.shell.sent - before).toBeLessThan(600_000);
    expect(lab.agent.shell.typed).toEqual([]);
    lab.disk = disk;
    lab.clock.advance(5_000);
    await notice(typist, 'attached');
    await stored();
    typist.type('w');
    await until(() => lab.agent.shell.typed.join('') === 'w');
    lab.agent.shell.exit(0);
    await typist.closed;
    expect(await lab.recorded(id)).toBe(`${line.repeat(2_000)}w`);
  });
});

describe('a device that is an enemy', () => {
  const evil: readonly (readonly [string, () => Buffer])[] = [
    ['a frame without end', () => Buffer.from([0xff, 0xff, 0xff, 0xff, 1])],
    ['a frame of no kind', () => encodeFrame(200, Buffer.alloc(3))],
    ['no JSON', () => encodeFrame(FROM_AGENT_PORT.RESIZED, Buffer.from('x'))],
    [
      'a size that no terminal has',
      () => encodeJsonFrame(FROM_AGENT_PORT.RESIZED, { offset: 0, cols: 1e9, rows: 1 }),
    ],
    ['an offset that is no count', () => encodeFrame(FROM_AGENT_PORT.OUTPUT, Buffer.alloc(9, 0xff))],
    ['opened twice', () => encodeJsonFrame(FROM_AGENT_PORT.SHELLS, { shells: [] })],
  ];
  test.each(evil)('%s: the connection ends, the engine goes on', async (_name, frame) => {
    const { id } = await lab.create();
    const typist = await lab.attach(id);
    lab.agent.shell.socket!.write(frame());
    await notice(typist, 'interrupted');
    await notice(typist, 'attached');
    lab.agent.shell.print('fine');
    await text(typist, 'fine');
  });

  test('a screen without end is not collected', async () => {
    const { id } = await lab.create();
    const { shell } = lab.agent;
    shell.heard = (frame, socket) => {
      if (frame.type !== 'SCREEN') return;
      const part = { id: frame.id, offset: 0, ...shell.size, data: 's'.repeat(1_000_000), last: false };
      for (let n = 0; n < 12; n++) socket.write(encodeJsonFrame(FROM_AGENT_PORT.SCREEN, part));
    };
    const typist = lab.knock(id);
    expect(await typist.notice<ShellNotice>('interrupted')).toMatchObject({
      reason: expect.stringContaining('without end'),
    });
  });

  test('output beyond its window is not taken in without end', async () => {
    const { id } = await lab.create();
    const { shell } = lab.agent;
    lab.disk = async () => ({ total: 1e12, free: 1, percent_free: 0 });
    lab.clock.advance(5_000);
    const { socket } = shell;
    const piece = Buffer.alloc(262_144, 0x61);
    for (let n = 0; n < 400; n++) socket!.write(encodeOutput(n * piece.length, piece));
    await until(() => lab.lines.some((line) => line.includes('stands still')));
    for (let n = 0; n < 20; n++) await lab.call('GET', '/shells');
    // Most of the hundred megabytes wait on the other side.
    expect(socket!.writableLength).toBeGreaterThan(50_000_000);
    expect(id).toBeDefined();
  });

  test('sizes without end fill neither the memory nor the disk at once', async () => {
    const { id } = await lab.create();
    const typist = await lab.attach(id);
    typist.ws.pause();
    const { socket } = lab.agent.shell;
    for (let n = 0; n < 300_000; n++)
      socket!.write(encodeJsonFrame(FROM_AGENT_PORT.RESIZED, { offset: 0, cols: 80 + (n % 2), rows: 24 }));
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 300; n++) await lab.call('GET', '/shells');
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
    typist.ws.resume();
    await typist.until(() => typist.messages.length > 100);
  });

  test('input that nobody asked to record is not recorded', async () => {
    const { id } = await lab.create({ record_input: false });
    lab.agent.shell.socket!.write(encodeFrame(FROM_AGENT_PORT.TYPED, Buffer.from('forced')));
    lab.agent.shell.exit(0);
    await lab.event('shell.ended');
    expect(await lab.cast(id)).not.toContain('forced');
  });
});
