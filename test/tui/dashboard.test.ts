/** The whole program in a pty, driven by keys, against a real engine with a real agent. */

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startStorm } from '../../bench/dashboard/storm.ts';
import { screens as screenTable } from '../../src/tui/screens/all.ts';
import { binary, Place } from '../lab/processes.ts';
import { KEY, Screen, type ScreenOptions } from './screen.ts';

/** ESC [ … m with a colour in it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about
const COLOUR = /\u001b\[(?:[\d;]*;)?(?:3\d|4\d|9\d)(?:;[\d;]*)?m/;

/** Two seconds of a thousand. */
const STORM_EVENTS = 2_000;
/** Buttons as xterm's mode 1006 counts them. */
const [LEFT, WHEEL_UP, WHEEL_DOWN] = [0, 64, 65];

const place = new Place();
const screens: Screen[] = [];
let homes = 0;

const open = (options: Partial<ScreenOptions> = {}): Screen => {
  const { env, ...rest } = options;
  const home = place.path(`home-${homes++}`);
  const screen = new Screen({ env: { BOREALIS_SOCKET: place.socket, HOME: home, ...env }, ...rest });
  screens.push(screen);
  return screen;
};

beforeAll(async () => {
  await place.startEngine();
});
afterEach(() => {
  for (const screen of screens.splice(0)) screen.dispose();
});
afterAll(() => place.dispose());

test('the first run says what to do, and a code with its QR code is two keys away', async () => {
  const screen = open({ rows: 40 });
  await screen.until('Four steps to the first one');
  screen.press('n');
  await screen.until('A new enrolment code');
  screen.press('1');
  await screen.until('borealis-agent enroll');
  await screen.until(/█▀▀▀▀▀█|█ ▄▄▄▄▄ █/);
  // The link alone, in no frame: as it is copied by a mouse.
  screen.press('c');
  await screen.until('Enter returns to the dashboard');
  expect(screen.lines.map((line) => line.trimEnd()).join('')).toMatch(
    /^borealis:\/\/127\.0\.0\.1:\d+\/\?code=[\w-]+&pin=[\w-]{43}Enter/,
  );
  screen.press(KEY.enter);
  await screen.until('Enrolment code: shown once');
  screen.press(KEY.esc, 'q');
  expect(await screen.ended).toBe(0);
});

describe('with devices', () => {
  beforeAll(async () => {
    for (const name of ['web-1', '監視サーバー', 'kiosk-🚀-paris']) await place.startDevice(name);
    await place.client.call('device.tag', { device: 'web-1', set: { role: 'web' }, site: 'oslo' });
  });

  test('every screen by its number, by Tab, and back', async () => {
    const screen = open();
    await screen.until('3 online');
    const titles = [
      'devices',
      'approvals',
      'jobs',
      'scripts',
      'codes',
      'tunnels',
      'VPN',
      'sessions',
      'audit',
    ];
    for (const [index, title] of titles.entries()) {
      screen.press(String((index + 2) % 10));
      await screen.until(`borealis › ${title}`);
    }
    // Beyond the tenth there is no number.
    screen.press(KEY.tab);
    await screen.until('borealis › HA');
    screen.press(KEY.tab);
    await screen.until('borealis › overview');
    screen.press('2', KEY.esc);
    await screen.until('borealis › overview');
  });

  test('the activity of a device tells what happened before the dashboard was opened', async () => {
    const screen = open();
    screen.press('2');
    await screen.until('web-1');
    screen.press('/', 'web-1', KEY.enter, KEY.right);
    await screen.until('› web-1');
    await screen.until('device.enrolled');
    expect(screen.text).toContain('device.online');
  });

  test('a command that destroys asks first, also where a script would not be asked', async () => {
    const screen = open();
    await screen.until('3 online');
    screen.press(':', 'device remove web-1', KEY.enter);
    await screen.until('This removes web-1 for good');
    await screen.until('n  leave it as it is');
    screen.press('n');
    await screen.until((text) => !text.includes('for good'));
    expect(await place.client.call('device.show', { device: 'web-1' })).toMatchObject({ state: 'online' });
  });

  test('a column stands still whatever characters are before it', async () => {
    const screen = open();
    screen.press('2');
    await screen.until((text) => (text.match(/● online/g) ?? []).length === 3);
    const column = (name: string): number => {
      const { active } = screen.emulator.buffer;
      for (let row = 0; row < screen.emulator.rows; row++) {
        const line = active.getLine(row);
        if (!line?.translateToString(true).includes(name)) continue;
        for (let x = 0; x < screen.emulator.cols; x++) if (line.getCell(x)?.getChars() === '●') return x;
      }
      throw new Error(`no line of ${name}:\n${screen.text}`);
    };
    expect(column('監視')).toBe(column('web-1'));
    expect(column('kiosk')).toBe(column('web-1'));
  });

  test('filter, open, run a command, read its output, go back as it was', async () => {
    const screen = open();
    screen.press('2');
    await screen.until('web-1');
    screen.press('/', 'oslo');
    await screen.until((text) => !text.includes('kiosk'));
    screen.press(KEY.enter, KEY.right);
    await screen.until('› web-1');
    await screen.until('Enrolled');
    screen.press('r');
    await screen.until('Run on web-1');
    screen.press("sh -c 'echo one; echo two >&2; exit 3'", KEY.enter);
    await screen.until('exit 3');
    await screen.until('two');
    screen.press(KEY.esc);
    await screen.until((text) => text.includes('› web-1') && text.includes('The last hour'));
    screen.press(KEY.esc);
    await screen.until(/1 of 3 \/\S/);
    screen.press(KEY.esc);
    await screen.until('kiosk');
  });

  test('what cannot be undone is asked first, and says what would happen', async () => {
    const screen = open();
    screen.press('2');
    await screen.until('web-1');
    screen.press('/', 'web-1', KEY.enter, 'Q');
    await screen.until('web-1 (1 device) will be cut off');
    screen.press('n');
    await screen.until((text) => !text.includes('will be cut off'));
    expect((await place.client.call('device.show', { device: 'web-1' })).state).toBe('online');
    screen.press('Q');
    await screen.until('will be cut off');
    screen.press('y');
    await screen.until('⊘ quarantined');
    screen.press('Q');
    await screen.until('no longer in quarantine');
    expect((await place.client.call('device.show', { device: 'web-1' })).state).not.toBe('quarantined');
  });

  test('several at once', async () => {
    const screen = open();
    screen.press('2');
    await screen.until('web-1');
    screen.press('*', 't');
    await screen.until('Tags of');
    screen.press('fleet=all', KEY.enter);
    await screen.until('Tags of 3 devices are set');
    for (const { tags } of (await place.client.call('device.list', {})).items) expect(tags.fleet).toBe('all');
  });

  test('an approval: who asks, with which key, and the decision', async () => {
    const screen = open();
    screen.press('3');
    await screen.until('Nobody waits');
    const { link } = await place.code();
    const asking = place.agent(
      'asking',
      ['enroll', '-'],
      { BOREALIS_AGENT_FINGERPRINT: 'asking' },
      `${link}\n`,
    );
    await screen.until('◌ waiting');
    const [request] = await place.client.call('approval.list', {});
    await screen.until(request!.key_fingerprint.slice(0, 40));
    screen.press(KEY.enter);
    await screen.until('Approve under another name');
    screen.press('n');
    await screen.until('Approve vm as'.slice(0, 8));
    screen.press('\u0015', 'kitchen', KEY.enter);
    await screen.until('kitchen is approved');
    expect((await asking.finished).code).toBe(0);
    screen.press('2');
    await screen.until('kitchen');
    await place.client.call('device.remove', { device: 'kitchen' });
    await screen.until((text) => !text.includes('kitchen'));
  });

  test('any command: completed, run, its output shown; a question of its is asked here', async () => {
    const screen = open();
    await screen.until('live');
    screen.press(':');
    await screen.until('Tab complete');
    screen.press('device sh', KEY.tab);
    await screen.until(': device show');
    screen.press('web', KEY.tab);
    await screen.until(': device show web-1');
    screen.press(KEY.enter);
    await screen.until('Agent version');
    screen.press(KEY.esc, ':');
    await screen.until('Tab complete');
    screen.press('device quarantine --all', KEY.enter);
    await screen.until(/y .*do it/);
    screen.press('n');
    await screen.until('borealis › overview');
    const states = (await place.client.call('device.list', {})).items.map(({ state }) => state);
    expect(states).toEqual(['online', 'online', 'online']);
  });

  test('an error shows its code, a sentence and the next step', async () => {
    const screen = open();
    screen.press('2');
    await screen.until('web-1');
    screen.press('/', 'web-1', KEY.enter, 'R', '\u0015', 'kiosk-🚀-paris', KEY.enter);
    await screen.until(/✗ NAME_TAKEN|✗ [A-Z_]+ /);
    screen.press('x');
    await screen.until((text) => !/✗ [A-Z_]{4,} /.test(text));
  });

  test('help and palette know what works here', async () => {
    const screen = open();
    screen.press('2');
    await screen.until('web-1');
    screen.press('?');
    await screen.until('Open a shell on it');
    screen.press(KEY.esc, KEY.ctrlP);
    await screen.until('Find');
    screen.press('kiosk');
    await screen.until(/device +kiosk/);
    screen.press(KEY.enter);
    await screen.until('› kiosk');
    // A command that no key of this screen stands for.
    screen.press(KEY.ctrlP, 'vpn create');
    await screen.until(/command +vpn create: /);
    screen.press(KEY.enter);
    await screen.until(': vpn create');
    screen.press(KEY.esc);
  });

  test('80 columns have every screen’s name, whole or shortened as it was meant', async () => {
    const screen = open({ columns: 80, rows: 24 });
    await screen.until('3 online');
    const names = (screen.lines[1] ?? '').match(/[A-Za-z]+/g) ?? [];
    const known = screenTable.tabs.flatMap(({ title, short }) => [title, short]);
    expect(names).toHaveLength(screenTable.tabs.length);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('80 × 24 have the tunnel, the ports and the shells of a device', async () => {
    const screen = open({ columns: 80, rows: 24 });
    screen.press('2');
    await screen.until('web-1');
    screen.press('/', 'web-1', KEY.enter, KEY.right);
    await screen.until('› devices › web-1');
    for (const fact of ['Tunnel ', 'Ports ', 'Shells ']) await screen.until(fact);
  });

  test('a new size in the midst is a whole picture at once', async () => {
    const screen = open({ columns: 120, rows: 36 });
    screen.press('2');
    await screen.until('web-1');
    for (const [columns, rows] of [
      [80, 24],
      [200, 60],
      [93, 31],
    ] as const) {
      screen.resize(columns, rows);
      await screen.until(() => {
        const { lines } = screen;
        const clock = /live +\d\d:\d\d$/.test(lines[0] ?? '') && (lines[0]?.length ?? 0) === columns - 1;
        return clock && (lines[rows - 1] ?? '').includes('quit');
      });
      expect(screen.lines.filter((line) => line.includes('NAME'))).toHaveLength(1);
    }
    screen.resize(40, 10);
    await screen.until('This terminal is 40 × 10');
    screen.resize(80, 24);
    await screen.until('web-1');
  });

  test('a thousand events a second: it stays live, keys are answered, and what is shown is the newest', async () => {
    const screen = open();
    await screen.until('live');
    const { client } = place;
    const { guid } = await client.call('device.show', { device: 'web-1' });
    const before = await place.newestEvent();
    const links = new Set<string | undefined>();
    screen.onDrawn = () => links.add(/ (live|connecting|engine away) /.exec(screen.lines[0] ?? '')?.[1]);
    const storm = startStorm(place.socket, [guid], 1_000, STORM_EVENTS);
    for (const [key, seen] of [
      ['2', 'borealis › devices'],
      ['?', 'On this screen'],
      [KEY.esc, 'web-1'],
      ['0', 'borealis › audit'],
      ['1', 'borealis › overview'],
    ] as const) {
      screen.press(key);
      await screen.until(seen);
    }
    await storm.done;
    expect((await place.newestEvent()) - before).toBeGreaterThanOrEqual(STORM_EVENTS);
    await client.call('device.rename', { device: 'web-1', name: 'web-calm' });
    try {
      await screen.until(/Events[\s\S]*web-calm/);
      screen.press('2');
      await screen.until(/web-calm.*● online/);
      expect([...links]).toEqual(['live']);
    } finally {
      await client.call('device.rename', { device: 'web-calm', name: 'web-1' });
    }
  });

  test('the mouse: a tab, the wheel in a list, a line and the same line again', async () => {
    const screen = open();
    await screen.until('3 online');
    const mouse = (button: number, x: number, y: number): void =>
      screen.press(`\u001b[<${button};${x + 1};${y + 1}M`);
    mouse(LEFT, screen.lines[1]?.indexOf('Devices') ?? 0, 1);
    await screen.until('borealis › devices');
    await screen.until('web-1');
    const line = (name: string): number => screen.lines.findIndex((text) => text.includes(name));
    mouse(WHEEL_DOWN, 20, line('web-1'));
    screen.press(KEY.right);
    await screen.until('› 監視サーバー');
    screen.press(KEY.esc);
    await screen.until('NAME');
    mouse(WHEEL_UP, 20, line('web-1'));
    screen.press(KEY.right);
    await screen.until('› kiosk');
    screen.press(KEY.esc);
    await screen.until('NAME');
    mouse(LEFT, 5, line('web-1'));
    mouse(LEFT, 5, line('web-1'));
    await screen.until('› web-1');
  });

  test('NO_COLOR has no colours, and all that is needed', async () => {
    const screen = open({ env: { NO_COLOR: '1' } });
    screen.keeps = true;
    screen.press('2');
    await screen.until('● online');
    expect(screen.written).not.toMatch(COLOUR);
  });

  test('for a screen reader: lines that tell what changed, on any terminal, and nothing is placed or coloured', async () => {
    const screen = open({ args: ['--screen-reader'], env: { TERM: 'dumb' }, columns: 200 });
    screen.keeps = true;
    await screen.until('overview.');
    await screen.until('3 devices: 3 online');
    screen.press('2');
    await screen.until(/devices, 3\./);
    await screen.until(/^name .*, state online, .*; 1 of 3$/m);
    screen.press(KEY.down);
    await screen.until('; 2 of 3');
    screen.press('/', 'web-1', KEY.enter);
    await screen.until(/^name web-1, state online.*; 1 of 1$/m);
    screen.press('Q');
    await screen.until('Quarantine.');
    await screen.until('web-1 (1 device) will be cut off');
    await screen.until('Keys: y quarantine, n leave it as it is.');
    screen.press('n', 'v');
    await screen.until('devices, web-1');
    await screen.until(/Site: \w+/);
    screen.press('r');
    await screen.until('Run on web-1.');
    screen.press('echo', ' ', '"spoken to $0"', KEY.enter);
    await screen.until(/^spoken to \$0/m);
    screen.press('?');
    await screen.until('Keys: ');
    screen.press(KEY.esc, 'q');
    expect(await screen.ended).toBe(0);
    expect(screen.written).not.toContain('\u001b');
    expect(screen.written).not.toMatch(/[\u2500-\u259f]/);
  });

  test('preferences outlive it', async () => {
    const home = place.path('home-kept');
    const first = open({ env: { HOME: home } });
    first.press('2');
    await first.until('web-1');
    first.press('o');
    await first.until('STATE▲');
    first.press('q');
    await first.ended;
    const second = open({ env: { HOME: home } });
    await second.until('STATE▲');
  });
});

test('the terminal is left as it was, also by a signal', async () => {
  for (const leave of ['q', 'SIGTERM'] as const) {
    const screen = open();
    screen.keeps = true;
    await screen.until('live');
    if (leave === 'q') screen.press('q');
    else process.kill(screen.pid, 'SIGTERM');
    expect(await screen.ended).toBe(0);
    for (const [on, off] of [
      ['?1049h', '?1049l'],
      ['?2004h', '?2004l'],
      ['?1000h', '?1000l'],
      ['?25l', '?25h'],
    ] as const)
      expect(screen.written.lastIndexOf(off)).toBeGreaterThan(screen.written.lastIndexOf(on));
    await new Promise<void>((resolve) => screen.emulator.write('', resolve));
    expect(screen.emulator.buffer.active.type).toBe('normal');
  }
});

test.each([
  ['the screen', []],
  ['plain lines', ['--screen-reader']],
])('a window that is closed ends it, without a word: %s', async (_what, args) => {
  const [errors, code] = [place.path('errors'), place.path('code')];
  rmSync(code, { force: true });
  // A shell that outlives the window tells how it ended.
  const line = `trap '' HUP; ${binary('borealisctl')} dashboard "$@" 2>${errors}; echo $? >${code}`;
  const screen = open({ program: ['sh', '-c', line, 'sh'], args });
  await screen.until(args.length > 0 ? 'Question mark' : 'overview');
  screen.hangUp();
  await expect
    .poll(() => existsSync(code) && readFileSync(code, 'utf8'), { timeout: 20_000 })
    .toMatch(/^\d+\n/);
  expect([readFileSync(code, 'utf8'), readFileSync(errors, 'utf8')]).toEqual(['0\n', '']);
});

test('an engine that goes away: said, the last picture kept, and live again when it is back', async () => {
  const other = new Place();
  try {
    const engine = await other.startEngine();
    await other.startDevice('web-9');
    const screen = open({ env: { BOREALIS_SOCKET: other.socket } });
    screen.press('2');
    await screen.until('web-9');
    await engine.kill('SIGKILL');
    await screen.until('engine away');
    await screen.until('What you see is from');
    expect(screen.text).toContain('web-9');
    await other.startEngine();
    await screen.until((text) => text.includes(' live ') && !text.includes('What you see is from'));
    await other.client.call('device.rename', { device: 'web-9', name: 'web-10' });
    await screen.until('web-10');
  } finally {
    await other.dispose();
  }
});

test('without an engine it says so, and waits for it', async () => {
  const screen = open({ env: { BOREALIS_SOCKET: place.path('nothing', 'there.sock') } });
  await screen.until('engine away');
  await screen.until('There is no socket');
});

test('a terminal that cannot place a cursor is refused with a way out', async () => {
  const screen = open({ env: { TERM: 'dumb' } });
  expect(await screen.ended).toBe(2);
  const { code, stderr } = await place.ctl(['dashboard']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('needs a terminal')]);
});

test('who wants lines gets them on such a terminal the next time too', async () => {
  const env = { TERM: 'dumb', HOME: place.path('home-lines') };
  for (const args of [['--screen-reader'], []]) {
    const screen = open({ env, args });
    await screen.until('overview.');
    screen.press('q');
    expect(await screen.ended).toBe(0);
  }
  expect(await open({ env, args: ['--no-screen-reader'] }).ended).toBe(2);
});
