/** BOREALIS_HOST=ssh://…, through the real ssh to a real sshd, with its login shell in between. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Shell } from '../../src/protocol/shell.ts';
import { until } from '../daemon/agents.ts';
import { ShellLab } from '../daemon/shells/lab.ts';
import { binary, Place } from '../lab/processes.ts';
import { Screen } from '../lab/screen.ts';
import { Sshd } from '../lab/sshd.ts';
import { CTRL_C, Terminal } from '../lab/terminal.ts';
import { requires } from '../require.ts';

/** What ssh reaches its server through (ProxyCommand), for those whose environment names that socket: their wire. */
const wiresTo = (socket: string): number[] => {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return ''; // it has ended
    }
  };
  const clients = processes.filter((pid) => {
    const [program = ''] = read(pid, 'cmdline').split('\0');
    return program === '/usr/bin/ssh' && read(pid, 'environ').includes(socket);
  });
  const parentOf = (pid: string): string => read(pid, 'stat').split(') ').at(-1)?.split(' ')[1] ?? '';
  return processes.filter((pid) => clients.includes(parentOf(pid))).map(Number);
};

describe('an engine on another host', requires('a private sshd'), () => {
  const place = new Place();
  const directory = mkdtempSync(join(tmpdir(), 'borealis-ssh-'));
  let env: Record<string, string>;

  beforeAll(async () => {
    await place.startEngine();
    await place.startAgent('agent');
    const sshd = new Sshd(directory, ['AcceptEnv BOREALIS_SOCKET']);
    // Where a person has ~/.ssh/config.
    writeFileSync(
      join(directory, 'ssh'),
      `#!/bin/sh\nexec /usr/bin/ssh ${sshd.options('-o', 'SendEnv=BOREALIS_SOCKET').join(' ')} -o ProxyCommand="sh ${join(directory, 'server')}" "$@"\n`,
      { mode: 0o755 },
    );
    writeFileSync(join(directory, 'server'), `exec ${sshd.overStandardStreams}\n`);
    env = {
      PATH: `${directory}:${process.env.PATH}`,
      BOREALIS_HOST: `ssh://engine.example.org${binary('borealisctl')}`,
      BOREALIS_SOCKET: place.socket,
    };
  }, 180_000);
  afterAll(async () => {
    await place.dispose();
    rmSync(directory, { recursive: true });
  });

  const ctl = (args: string[], input?: string) =>
    place.ctl(args, { env, ...(input !== undefined && { input }) });

  test('answers as one here does', async () => {
    const { code, stdout, stderr } = await ctl(['status', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ ready: true, devices: { online: 1 } });
  });

  test('exit codes and errors come back', async () => {
    const { code, stdout } = await ctl(['device', 'show', 'nobody', '--json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout).error.code).toBe('DEVICE_NOT_FOUND');
  });

  test('no shell on the way touches a command line', async () => {
    const name = (await place.client.call('device.list', {})).items[0]!.name;
    const words = ['$HOME', '`id`', "it's", 'a  b', '*', '', '--', '"', '\\', 'ü', '#', '!!', 'new\nline'];
    const { stdout } = await ctl(['run', name, '--json', '--', 'printf', '<%s>', ...words]);
    expect(JSON.parse(stdout).targets[0].stdout).toBe(words.map((word) => `<${word}>`).join(''));
  });

  test('standard input goes there', async () => {
    const body = '#!/bin/sh\necho from afar\n';
    const { code, stderr } = await ctl(['script', 'add', '-', '--name', 'afar.sh'], body);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect((await place.client.call('script.show', { script: 'afar.sh' })).body).toBe(body);
  });

  test('a terminal is a terminal there, and Ctrl-C ends what runs there', async () => {
    const terminal = new Terminal({ args: ['event', 'watch', '--after', '0'], columns: 90, env });
    try {
      await terminal.until('TIME');
      await place.client.call('code.create', { address: '127.0.0.1:1' });
      await terminal.until('code.created');
      expect(terminal.written).toContain('\u001b[');
      terminal.type(CTRL_C);
      await terminal.ended;
      expect(terminal.text).not.toContain('Error');
    } finally {
      terminal.kill();
    }
  });

  test('a shell is one in the terminal here; where ssh is cut off, it goes on, and the terminal is as before', async () => {
    const lab = await ShellLab.open();
    const there = { ...env, BOREALIS_SOCKET: lab.socket };
    const screens: Screen[] = [];
    const open = (args: string[]): Screen => {
      // The shell around it is there to look at the terminal afterwards.
      const line = `${binary('borealisctl')} ${args.join(' ')}; echo "code $?"; read -r _`;
      const screen = new Screen({ file: 'bash', args: ['-c', line], env: there, columns: 90, rows: 30 });
      screens.push(screen);
      return screen;
    };
    try {
      const screen = open(['shell', 'web1']);
      await until(() => lab.agent.shells.size > 0);
      expect(lab.agent.shell.size).toEqual({ cols: 90, rows: 30 });
      lab.agent.shell.print('\r\none\ntwo\u001b[?1049h\u001b[?1000h\u001b[?2004hin vim');
      await screen.until('in vim');
      screen.resize(100, 40);
      await until(() => lab.agent.shell.size.cols === 100);
      screen.type('\u0003:q');
      await until(() => lab.agent.shell.typed.join('') === '\u0003:q');
      screen.type('\u001dd');
      await screen.until('code 0');
      expect(screen.lines.join('\n')).toMatch(/^ {3}two\n/m);
      expect(screen.terminal.buffer.active.type).toBe('normal');
      const again = open(['shell', 'web1', '--read-only']);
      await again.until('in vim');
      const wires = wiresTo(lab.socket);
      expect(wires).toHaveLength(1);
      for (const pid of wires) process.kill(pid, 'SIGKILL');
      await again.until('code 5');
      expect(again.terminal.buffer.active.type).toBe('normal');
      expect(again.terminal.modes).toMatchObject({ mouseTrackingMode: 'none', bracketedPasteMode: false });
      expect(again.lines.join('\n')).toContain('borealisctl shell list');
      expect((await lab.call<Shell[]>('GET', '/shells')).body).toMatchObject([{ state: 'running' }]);
    } finally {
      for (const screen of screens) screen.kill();
      await lab.close();
    }
  });

  test('the dashboard is one in the terminal here; where ssh is cut off, the terminal is as before', async () => {
    const home = { ...env, HOME: directory };
    const screens: Screen[] = [];
    const open = (more: Record<string, string>): Screen => {
      const line = `${binary('borealisctl')} dashboard --screen device; echo "code $?"; read -r _`;
      const screen = new Screen({
        file: 'bash',
        args: ['-c', line],
        env: { ...home, ...more },
        columns: 100,
      });
      screens.push(screen);
      return screen;
    };
    try {
      const screen = open({});
      await screen.until('● online');
      expect(screen.written).toContain(';48;5;');
      screen.resize(120, 40);
      await screen.until((lines) => lines[39]?.includes('quit') ?? false);
      screen.type('q');
      await screen.until('code 0');
      const again = open({ NO_COLOR: '1' });
      await again.until('● online');
      expect(again.written).not.toContain(';48;5;');
      for (const pid of wiresTo(place.socket)) process.kill(pid, 'SIGKILL');
      await again.until('code 5');
      expect(again.terminal.buffer.active.type).toBe('normal');
      expect(again.terminal.modes).toMatchObject({ mouseTrackingMode: 'none', bracketedPasteMode: false });
    } finally {
      for (const screen of screens) screen.kill();
    }
  });

  test('a host that is not there is said to be so', async () => {
    const { code, stderr } = await place.ctl(['status'], {
      env: { ...env, PATH: process.env.PATH ?? '', BOREALIS_HOST: 'ssh://127.0.0.1:1' },
    });
    expect(code).toBe(5);
    expect(stderr).toContain('Try: ssh 127.0.0.1');
  });
});
