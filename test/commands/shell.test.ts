/**
 * `borealisctl shell` in a terminal, against an engine's shells over its real socket; the agent's port is a small one whose
 * shells print what the test says (test/lab/shell.lab.test.ts has the real ones).
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Shell } from '../../src/protocol/shell.ts';
import { until } from '../daemon/agents.ts';
import { GUID, ShellLab } from '../daemon/shells/lab.ts';
import { binary, type Finished, Process } from '../lab/processes.ts';
import { Screen } from '../lab/screen.ts';
import { hold } from './hold.ts';

const ENTER = '\r';
const DETACH = '\u001dd';
const CSI = '\u001b[';

let lab: ShellLab;
let screens: Screen[] = [];
beforeEach(async () => {
  lab = await ShellLab.open();
});
afterEach(async () => {
  for (const screen of screens) screen.kill();
  screens = [];
  await lab.close();
});

const env = () => ({ BOREALIS_SOCKET: lab.socket });
const open = (args: string[] = ['web1'], size: { columns?: number; rows?: number } = {}): Screen => {
  const screen = new Screen({ args: ['shell', ...args], env: env(), ...size });
  screens.push(screen);
  return screen;
};
/** With a shell that has printed its prompt. */
const started = async (args?: string[]): Promise<Screen> => {
  const screen = open(args);
  await until(() => lab.agent.shells.size > 0);
  lab.agent.shell.print('$ ');
  await screen.until(/^<?\$/m);
  return screen;
};
const ctl = (args: string[], input?: string): Promise<Finished> =>
  new Process(binary('borealisctl'), args, env(), { input }).finished;
const shells = async (): Promise<Shell[]> =>
  JSON.parse((await ctl(['shell', 'list', '--json'])).stdout) as Shell[];
const typed = (wanted: string): Promise<unknown> =>
  until(() => lab.agent.shell.typed.join('').includes(wanted));

describe('in a terminal', () => {
  test('shows what the shell prints, types every key as it is, and ends with its exit code', async () => {
    const screen = await started();
    expect(screen.written).toMatch(/Shell \w{12} on web1 as root; recorded\. Ctrl-\] d leaves it\./);
    screen.type('ls\u0003\u001a\u0004\u001c\u0011\u001b[A\tGrüße🙂');
    await typed('ls\u0003\u001a\u0004\u001c\u0011\u001b[A\tGrüße🙂');
    lab.agent.shell.print('\r\nbye\r\n');
    lab.agent.shell.exit(7);
    expect(await screen.ended).toBe(7);
    expect(screen.lines.join('\n')).toMatch(
      /bye\n+The shell on web1 has ended with 7\.\nIts recording: borealisctl session/,
    );
  });

  test('shows every byte as it is: a line feed goes straight down', async () => {
    const screen = await started();
    lab.agent.shell.print('\r\none\ntwo\r\n');
    await screen.until('two');
    expect(screen.lines).toContain('   two');
  });

  test('has the size of the window, and follows it', async () => {
    const screen = open(['web1'], { columns: 91, rows: 31 });
    await until(() => lab.agent.shells.size > 0);
    expect(lab.agent.shell.size).toEqual({ cols: 91, rows: 31 });
    lab.agent.shell.print('$ ');
    await screen.until('$');
    screen.resize(120, 40);
    await until(() => lab.agent.shell.size.cols === 120 && lab.agent.shell.size.rows === 40);
  });

  test('is left by Ctrl-] d; it goes on, and is come back to', async () => {
    const screen = await started();
    screen.type(`one${ENTER}`);
    await screen.until('one');
    screen.type(DETACH);
    expect(await screen.ended).toBe(0);
    const [shell] = await shells();
    expect(shell).toMatchObject({ state: 'running', viewers: [] });
    expect(screen.lines.join('\n')).toContain(
      `Come back with:\n  borealisctl shell web1 --attach ${shell!.id}`,
    );
    const again = open(['web1', '--attach', shell!.id.slice(0, 6)]);
    await again.until('one');
    again.type('two');
    await typed('two');
    expect(lab.agent.shells.size).toBe(1);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('whose process gets %s: the shell goes on, the terminal is as before', async (signal, code) => {
    const wrapper = `${binary('borealisctl')} shell web1 & echo "pid $!"; fg >/dev/null; echo "code $?"; stty -a | tr ';' '\\n'; read -r _`;
    const screen = new Screen({ file: 'bash', args: ['-mc', wrapper], env: env(), rows: 40 });
    screens.push(screen);
    await until(() => lab.agent.shells.size > 0);
    lab.agent.shell.print(`$ ${CSI}?1049h${CSI}?1000h${CSI}?1006h${CSI}?2004h${CSI}?25l${CSI}31min vim`);
    await screen.until('in vim');
    expect(screen.terminal.modes).toMatchObject({ bracketedPasteMode: true, mouseTrackingMode: 'vt200' });
    process.kill(Number(/pid (\d+)/.exec(screen.written)?.[1]), signal);
    await screen.until(`code ${code}`);
    await screen.until(/(^|\s)echo\b/m);
    expect(screen.terminal.modes).toMatchObject({ bracketedPasteMode: false, mouseTrackingMode: 'none' });
    expect(screen.terminal.buffer.active.type).toBe('normal');
    expect(screen.written).toContain(`${CSI}?25h`);
    expect(screen.lines.join('\n')).toMatch(/(^|\s)icanon\b/m);
    expect(screen.lines.join('\n')).toMatch(/(^|\s)opost\b/m);
    expect(await shells()).toMatchObject([{ state: 'running', viewers: [] }]);
  });

  test('that was stopped and goes on is drawn anew, and takes every key again', async () => {
    const wrapper = `${binary('borealisctl')} shell web1 & echo "pid $!"; fg >/dev/null; printf '\\rhalted'; read -r _; fg >/dev/null; echo "code $?"; read -r _`;
    const screen = new Screen({ file: 'bash', args: ['-mc', wrapper], env: env() });
    screens.push(screen);
    await until(() => lab.agent.shells.size > 0);
    lab.agent.shell.print('$ here');
    await screen.until('here');
    process.kill(Number(/pid (\d+)/.exec(screen.written)?.[1]), 'SIGSTOP');
    await screen.until('halted');
    // The terminal is still as it was lent: a line ends with a line feed.
    screen.type('\n');
    await screen.until((lines) => lines[0]!.includes('here') && !lines.join('').includes('halted'));
    screen.type('\u0003x');
    await typed('\u0003x');
    screen.type(DETACH);
    await screen.until('code 0');
  });

  test('that the engine is taken away from: waits for it, is left by the same keys', async () => {
    const screen = await started();
    const before = await lab.leave();
    await screen.until('The engine is out of reach; waiting. Ctrl-] d leaves.');
    screen.type('lost');
    screen.type(DETACH);
    expect(await screen.ended).toBe(0);
    lab = await ShellLab.open(before);
  });

  test('goes on with the next engine, with all that was printed meanwhile', async () => {
    const screen = await started();
    lab.agent.shell.print('before\r\n');
    await screen.until('before');
    const before = await lab.leave();
    await screen.until('The engine is out of reach');
    lab.agent.shell.print('meanwhile\r\n');
    lab = await ShellLab.open(before);
    await screen.until('meanwhile');
    expect(screen.lines.join('\n')).not.toContain('out of reach');
    screen.type('again');
    await typed('again');
    lab.agent.shell.exit(0);
    expect(await screen.ended).toBe(0);
  });

  test('says where the device is out of reach, and that it is back', async () => {
    const screen = await started();
    lab.agent.shell.print('before\r\n');
    await screen.until('before');
    lab.tunnels.failing = true;
    lab.tunnels.down(GUID);
    await screen.until('web1 stands still (Ctrl-] d leaves): ');
    lab.tunnels.failing = false;
    lab.tunnels.up(GUID);
    await screen.until(
      (lines) => !lines.join('').includes('stands still') && lines.join('').includes('before'),
    );
  });

  test('a shell killed by somebody ends with its signal', async () => {
    const screen = await started();
    const [shell] = await shells();
    expect(await ctl(['shell', 'kill', shell!.id, '--json'])).toMatchObject({ code: 0 });
    expect(await screen.ended).toBe(129);
    expect(screen.lines.join('\n')).toContain('has ended with SIGHUP');
  });

  test('takes any output: a flood is followed to its end, and keys get through', async () => {
    const screen = await started();
    lab.agent.shell.echo = false;
    lab.agent.shell.print(Buffer.alloc(20_000_000, 'flood of lines without end\r\n'));
    lab.agent.shell.print('the end\r\n');
    screen.type('stop');
    await typed('stop');
    await screen.until('the end');
  });

  test('a large paste arrives whole', async () => {
    const screen = await started();
    lab.agent.shell.echo = false;
    const text = Array.from({ length: 20_000 }, (_, line) => `line ${line} of a paste`).join('\n');
    screen.type(text);
    await typed('line 19999 of a paste');
    expect(lab.agent.shell.typed.join('')).toBe(text);
  });
});

describe('shared', () => {
  test('both type; who else is there shows in the title, and on nobody’s screen', async () => {
    const first = await started();
    const titles: string[] = [];
    first.terminal.onTitleChange((title) => titles.push(title));
    const [shell] = await shells();
    const second = open(['--attach', shell!.id]);
    await second.until('$');
    await until(() => titles.at(-1)?.includes('root ×2'));
    second.type('from two');
    await first.until('from two');
    first.type(' and one');
    await second.until('from two and one');
    second.type(DETACH);
    await second.ended;
    await until(() => titles.at(-1) === 'Shell on web1 · Ctrl-] d leaves');
    expect(first.lines.join('\n')).not.toContain('root ×2');
  });

  test('who only watches types nothing, whatever is typed, and may leave', async () => {
    const first = await started();
    const second = open(['web1', '--read-only']);
    await second.until('$');
    expect(second.written).toContain('read-only');
    let rung = 0;
    second.terminal.onBell(() => (rung += 1));
    second.type('x');
    await until(() => rung > 0);
    first.type('y');
    await second.until('y');
    expect(lab.agent.shell.typed.join('')).toBe('y');
    expect(await shells()).toMatchObject([{ viewers: [{ read_only: false }, { read_only: true }] }]);
    // A smaller window of one who watches changes nothing.
    second.resize(40, 10);
    first.type('z');
    await second.until('yz');
    expect(lab.agent.shell.size).toEqual({ cols: 80, rows: 24 });
    second.type(DETACH);
    expect(await second.ended).toBe(0);
  });
});

test('a full disk, where nothing can be recorded, is told as what it is', async () => {
  const screen = await started();
  lab.disk = async () => ({ total: 1e12, free: 1, percent_free: 0 });
  lab.clock.advance(5_000);
  lab.agent.shell.print('x'.repeat(3_000_000));
  await screen.until(/web1 stands still \(Ctrl-\] d leaves\): The disk is full/);
});

describe('without a terminal', () => {
  test.each([['web1'], ['web1', '--read-only'], ['--attach', 'abc']])(
    '%j is refused, and nothing is started',
    async (...args) => {
      const { code, stdout, stderr } = await ctl(['shell', ...args], 'echo hello\n');
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain('A shell needs a terminal');
      expect(stderr).toContain('borealisctl run');
      expect(lab.agent.shells.size).toBe(0);
    },
  );

  test('with --json a shell is started, and found again; its document is all there is', async () => {
    const first = await ctl(['shell', 'web1', '--user', 'ada', '--record-input', '--json']);
    expect([first.code, first.stderr]).toEqual([0, '']);
    const shell = JSON.parse(first.stdout) as Shell;
    expect(shell).toMatchObject({ device: 'web1', state: 'running', viewers: [], recorded: true });
    await hold(lab, 'shell', shell);
    expect(lab.agent.tokens[0]!.claims).toMatchObject({ user: 'ada', record_input: true });
    const second = await ctl(['shell', 'web1', '--attach', shell.id, '--json']);
    expect(JSON.parse(second.stdout)).toMatchObject({ id: shell.id });
    expect(lab.agent.shells.size).toBe(1);
  });
});

describe('is refused', () => {
  const refused = async (args: string[]) => {
    const { code, stdout } = await ctl(['shell', ...args, '--json']);
    return { exit: code, ...(JSON.parse(stdout) as { error: { code: string; next: string } }).error };
  };

  test('without a device', async () => expect(await refused([])).toMatchObject({ exit: 2, code: 'USAGE' }));
  test('on a device that is none', async () =>
    expect(await refused(['web9'])).toMatchObject({ exit: 3, code: 'DEVICE_NOT_FOUND' }));
  test('where none runs', async () => {
    expect(await refused(['web1', '--read-only'])).toMatchObject({ exit: 3, code: 'SHELL_NOT_FOUND' });
    expect(await refused(['web1', '--attach', 'zzz'])).toMatchObject({ exit: 3, code: 'SHELL_NOT_FOUND' });
  });
  test('where several may be meant', async () => {
    await lab.create();
    await lab.create();
    expect(await refused(['web1', '--read-only'])).toMatchObject({ exit: 7, code: 'SHELL_AMBIGUOUS' });
  });
  test('for a user that is not on the device', async () => {
    lab.agent.refusal = 'UNKNOWN_USER';
    expect(await refused(['web1', '--user', 'nobody9'])).toMatchObject({ code: 'UNKNOWN_USER' });
  });
  test('of one that has ended, with how to see it', async () => {
    const { id } = await lab.create();
    lab.agent.shell.exit(0);
    await lab.event('shell.ended');
    expect(await refused(['web1', '--attach', id])).toMatchObject({ code: 'SHELL_NOT_FOUND' });
    expect((await ctl(['shell', 'kill', id])).stderr).toContain(`borealisctl session replay ${id}`);
  });
});
