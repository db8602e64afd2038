/** Shells in the dashboard: come to, left, side by side, through real tunnels. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Shell } from '../../src/protocol/shell.ts';
import { requires } from '../require.ts';
import { KEY } from '../tui/screen.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { cellsOf, DARK, picture } from './picture.ts';
import type { Screen } from './screen.ts';

const CTRL_BRACKET = '\u001d';

describe('the dashboard, with tunnels', requires(...LAB_NEEDS), () => {
  let lab: Lab;
  const screens: Screen[] = [];
  let homes = 0;
  const open = (columns = 120, rows = 36): Screen => {
    const screen = lab.screen(['dashboard', '--screen', 'device'], {
      columns,
      rows,
      env: { HOME: lab.path(`home-${homes++}`), TERM: 'xterm-256color' },
    });
    screens.push(screen);
    return screen;
  };
  const shells = () => lab.json<Shell[]>(['shell', 'list']);
  /** The list as far as nothing in it is measured. */
  const list = (screen: Screen): string =>
    screen.lines
      .slice(2, 12)
      .map((line) => line.slice(0, 40))
      .join('\n');

  beforeAll(async () => {
    lab = await Lab.start(['north', 'south']);
    await lab.startEngine();
    for (const name of ['north', 'south']) await lab.startDevice(name);
  });
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') for (const { lines } of screens) console.error(lines.join('\n'));
    for (const screen of screens.splice(0)) screen.kill();
  });
  afterAll(() => lab?.dispose());

  test('Enter on a device is its shell, exact; Ctrl-] is the dashboard as it was, and the shell goes on', async () => {
    const screen = open();
    await screen.until((lines) => lines.filter((line) => line.includes('● online')).length === 2);
    screen.type(KEY.down);
    screen.type(`/nor${KEY.enter}`);
    await screen.until((lines) => lines.join().includes('1 of 2') && !lines.join().includes('south'));
    const before = list(screen);
    screen.type(KEY.enter);
    await screen.until(/[#$] *$/m);
    expect(screen.terminal.buffer.active.type).toBe('normal');
    screen.type("printf '\\033[38;2;1;2;3mexact%s\\033[0m\\n' -$((40+2))-$(hostname)\r");
    await screen.until('exact-42-north');
    const { active } = screen.terminal.buffer;
    const row = screen.lines.findIndex((line) => line.startsWith('exact-42'));
    expect(
      active
        .getLine(active.baseY + row)
        ?.getCell(0)
        ?.getFgColor(),
    ).toBe(0x010203);
    screen.resize(100, 30);
    // A signal tells of it, which a key that is typed at once overtakes.
    await expect.poll(async () => (await shells())[0]).toMatchObject({ cols: 100, rows: 30 });
    screen.type('stty size\r');
    await screen.until(/^30 100$/m);
    screen.type('(sleep 1; echo late-$((1+1))) &\r');
    screen.resize(120, 36);
    screen.type(CTRL_BRACKET);
    await screen.until('goes on. Ctrl-] comes back to it.');
    // Its size was another in between: the picture of the last size is the one that counts.
    await screen.until(() => list(screen) === before);
    expect(screen.terminal.buffer.active.type).toBe('alternate');
    const [shell] = await shells();
    expect(shell).toMatchObject({ device: 'north', state: 'running', viewers: [] });
    // Back in it: what it said meanwhile is there.
    screen.type(CTRL_BRACKET);
    await screen.until('late-2');
    // Alt-] types what leaves.
    screen.type('cat -v\r');
    await screen.until(/cat -v$/m);
    screen.type('\u001b]');
    await screen.until('^]');
    screen.type(KEY.ctrlC);
    screen.type(CTRL_BRACKET);
    await screen.until('borealis › devices');
    screen.type('9');
    await screen.until(/▶ running +north/);
    screen.type(KEY.enter);
    await screen.until(/\^C/);
    screen.type('exit 3\r');
    await screen.until('has ended with 3');
    await screen.until('borealis › sessions');
    await screen.until((lines) => lines.some((line) => /✓ complete +north/.test(line)));
    expect(await shells()).toEqual([]);
  });

  test('a recording is replayed, and the dashboard is there again', async () => {
    const screen = open();
    screen.type('9');
    await screen.until(/✓ complete +north/);
    screen.type(KEY.enter);
    await screen.until('exact-42-north');
    screen.type('q');
    // Its end stays to be read.
    await screen.until('Enter returns to the dashboard');
    screen.type('\r');
    await screen.until('borealis › sessions');
  });

  test('two devices side by side on a wide screen; one at a time on a narrow one', async () => {
    const screen = open(160, 40);
    await screen.until((lines) => lines.filter((line) => line.includes('● online')).length === 2);
    screen.type('*s');
    await screen.until('2 shells');
    await screen.until((lines) => lines.some((line) => (line.match(/[#$] +│/g) ?? []).length === 2));
    screen.type('echo one-$((1+1))-$(hostname)\r');
    await screen.until('one-2-');
    screen.type(CTRL_BRACKET);
    await screen.until('keys are the dashboard’s');
    screen.type(KEY.tab);
    screen.type(KEY.enter);
    await screen.until('keys go to the shell');
    screen.type('echo two-$((1+2))-$(hostname)\r');
    await screen.until('two-3-');
    const row = screen.lines.join('\n');
    expect(row).toMatch(/one-2-(north|south)/);
    expect(row).toMatch(/two-3-(north|south)/);
    expect(/one-2-(\w+)/.exec(row)?.[1]).not.toBe(/two-3-(\w+)/.exec(row)?.[1]);
    screen.type('stty size\r');
    await screen.until(/\d+ 76/);
    screen.resize(100, 30);
    await screen.until(
      (lines) => lines.join('\n').includes('two-3-') && !lines.join('\n').includes('one-2-'),
    );
    screen.type(CTRL_BRACKET);
    await screen.until('keys are the dashboard’s');
    screen.type(KEY.esc);
    await screen.until('borealis › devices');
    expect((await shells()).map(({ state }) => state)).toEqual(['running', 'running']);
    screen.type('9');
    await screen.until(/▶ running +south/);
    screen.type('b');
    await screen.until('2 shells');
    await screen.until('one-2-');
  });

  test('a VPN client: added, its QR code on the screen is its configuration, shut out, removed', {
    ...requires('zbarimg'),
  }, async () => {
    const made = await lab.ctl([
      'vpn',
      'create',
      'office',
      '--endpoint',
      '10.99.0.1:51820',
      '--pool',
      '10.8.0.0/24',
    ]);
    expect(made.code).toBe(0);
    const screen = open(120, 50);
    await screen.until('● online');
    screen.type('8');
    await screen.until(/office +● up/);
    screen.type(KEY.enter);
    await screen.until('No connections.');
    screen.type('n');
    await screen.until('A connection of office');
    screen.type(`ada-phone${KEY.enter}`);
    await screen.until('Show it now');
    screen.type('1');
    await screen.until('shown once');
    await screen.until('text or QR code');
    const file = lab.path('qr.ppm');
    writeFileSync(file, await picture(screen.written, { cols: 120, rows: 50 }, DARK));
    const read = spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).stdout.trim();
    expect(read).toMatch(/PrivateKey ?= ?\S{44}/);
    // The smallest screen that it takes has no room around the code: there is none, then.
    screen.resize(80, 24);
    await screen.until((lines) => lines[0]?.startsWith('With the camera') ?? false);
    await screen.until((lines) => (lines[23] ?? '').includes('text or QR code'));
    // A frame comes in as many pieces as the terminal makes of it.
    const small = lab.path('small.ppm');
    const seen = () => {
      writeFileSync(small, cellsOf(screen.terminal, DARK));
      return spawnSync('zbarimg', ['--quiet', '--raw', small], { encoding: 'utf8' }).stdout.trim();
    };
    await expect.poll(seen, { interval: 200 }).toBe(read);
    screen.resize(120, 50);
    screen.type('t');
    await screen.until('PrivateKey');
    const secret = /PrivateKey ?= ?(\S{44})/.exec(read)?.[1] ?? '?';
    expect(screen.lines.join('\n')).toContain(secret);
    screen.type(KEY.esc);
    await screen.until((lines) => !lines.join('').includes(secret));
    screen.type('e');
    await screen.until('is shut out of office at once');
    screen.type('y');
    await screen.until(/⊘ disabled/);
    screen.type('D');
    await screen.until('leaves office at once');
    screen.type('y');
    await screen.until('No connections.');
    screen.type(KEY.esc);
    await screen.until(/office +● up/);
    screen.type('D');
    await screen.until('ends at once');
    screen.type('y');
    await screen.until('No VPN services.');
  });
});
