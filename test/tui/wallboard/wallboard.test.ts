/** The real command in a terminal, against a real engine that comes and goes. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { width } from '../../../src/text/width.ts';
import { Place, type Process } from '../../lab/processes.ts';
import { Screen } from '../../lab/screen.ts';

/** The alternate screen (xterm's ctlseqs, DECSET 1049). */
const ENTERS = '\u001b[?1049h';
const LEAVES = '\u001b[?1049l';

const place = new Place();
let engine: Process;
const open: Screen[] = [];

beforeAll(async () => {
  engine = await place.startEngine([], { BOREALIS_TELEMETRY_SECONDS: '1' });
  await place.startDevice('wall-1');
}, 60_000);
afterEach(() => {
  for (const screen of open.splice(0)) screen.kill();
});
afterAll(() => place.dispose());

const screen = (args: string[], env: Record<string, string> = {}): Screen => {
  const made = new Screen({ args, columns: 100, rows: 30, env: { BOREALIS_SOCKET: place.socket, ...env } });
  open.push(made);
  return made;
};

test('pages take turns by themselves and by keys; q gives the terminal back', async () => {
  const wall = screen(['wallboard', '--every', '1']);
  await wall.until(/Fleet 1\/3 +1 of 1 devices online/);
  await wall.until(/Busiest 2\/3/);
  await wall.until(/Sites 3\/3/);
  await wall.until(/Fleet 1\/3/);
  wall.type('q');
  expect(await wall.ended).toBe(0);
  expect(wall.written.lastIndexOf(LEAVES)).toBeGreaterThan(wall.written.lastIndexOf(ENTERS));
});

test('shows what is measured, and follows the size of the terminal', async () => {
  const wall = screen(['wallboard', '--every', '0']);
  await wall.until(/CPU \d+%/);
  await wall.until(/\(none\) +1 of 1/);
  wall.resize(140, 40);
  await wall.until(
    (lines) => /\d\d:\d\d:\d\d $/.test(lines[0]?.padEnd(140) ?? '') && lines[39]?.startsWith('└') === true,
  );
});

test('what was measured before it began is shown at once', async () => {
  const own = new Place();
  try {
    // One measurement when it connects, and the next one in an hour: what the wall shows then, it has from the store.
    await own.startEngine([], { BOREALIS_TELEMETRY_SECONDS: '3600' });
    await own.startDevice('wall-2');
    const since = new Date(Date.now() - 100_000).toISOString();
    for await (const { device } of own.client.stream('telemetry.watch', { since })) {
      expect(device).toBe('wall-2');
      break;
    }
    const wall = screen(['wallboard', '--every', '0'], { BOREALIS_SOCKET: own.socket });
    await wall.until(/CPU \d+%/);
  } finally {
    await own.dispose();
  }
}, 60_000);

test('emoji, wide letters and accents in names stand in their columns, on terminals old and new', async () => {
  const name = '🏢東京🚀cafe\u0301❤️';
  await place.client.call('device.rename', { device: 'wall-1', name });
  await place.client.call('device.tag', { device: name, site: '🇩🇪 Zürich 👩' });
  for (const emojiColumns of [1, 2] as const) {
    const wall = screen(['wallboard', '--every', '0']);
    const { terminal } = wall;
    // xterm's own take emoji for narrow, as old terminals do; others take two columns.
    if (emojiColumns === 2) {
      terminal.unicode.register({ version: 'new', wcwidth, charProperties });
      terminal.unicode.activeVersion = 'new';
    }
    const framed = (): void => {
      for (let y = 1; y < 30; y++) {
        const frame = [0, 99].map((x) => terminal.buffer.active.getLine(y)?.getCell(x)?.getChars());
        expect([y, ...frame]).toEqual([
          y,
          expect.stringMatching(/^[┌│└├]$/),
          expect.stringMatching(/^[┐│┘┤]$/),
        ]);
      }
    };
    await wall.until(/🇩🇪 ?Zürich 👩 .*1 of 1.*%/);
    framed();
    wall.type('n');
    await wall.until(/🏢 ?東京🚀 ?cafe\u0301❤️ *[█░]+/);
    const row = wall.lines.findIndex((line) => line.includes('東京'));
    const cell = (x: number): string => terminal.buffer.active.getLine(row)?.getCell(x)?.getChars() ?? '';
    // The first panel: its frame, a blank, then the name, two columns for each wide character.
    expect([2, 4, 6, 8, 10, 13, 14].map(cell)).toEqual(['🏢', '東', '京', '🚀', 'c', 'e\u0301', '❤️']);
    framed();
    wall.type('nn');
    await wall.until(/Fleet 1\/3/);
    framed();
    wall.type('q');
    expect(await wall.ended).toBe(0);
  }
  await place.client.call('device.rename', { device: name, name: 'wall-1' });
  await place.client.call('device.tag', { device: 'wall-1', site: null });
}, 60_000);

test('an engine that is away is said to be, and shown again when it is back', async () => {
  const wall = screen(['wallboard', '--every', '0']);
  await wall.until(/1 of 1 devices online/);
  await engine.kill('SIGKILL');
  await wall.until(/does not answer since .*; this is what was/);
  expect(wall.lines.join('\n')).toContain('(none)');
  engine = await place.startEngine([], { BOREALIS_TELEMETRY_SECONDS: '1' });
  await wall.until(/devices online/);
}, 60_000);

test('the charts of a device, with its last hour', async () => {
  const charts = screen(['telemetry', 'watch', 'wall-1']);
  await charts.until(/wall-1 +the last hour/);
  await charts.until(/wall-1 \d+%/);
  charts.type('\u0003');
  expect(await charts.ended).toBe(0);
});

test('a device that is not there is said before the screen is taken', async () => {
  const charts = screen(['telemetry', 'watch', 'nobody']);
  expect(await charts.ended).toBe(3);
  expect(charts.written).not.toContain(ENTERS);
});

test('not on a terminal, or on one that cannot draw: numbers, or what to do', async () => {
  const { code, stderr } = await place.ctl(['wallboard']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('wallboard --json')]);
  const dumb = screen(['wallboard'], { TERM: 'dumb' });
  expect(await dumb.ended).toBe(2);
  const numbers = place.start('borealisctl', ['wallboard', '--json'], { BOREALIS_SOCKET: place.socket });
  await numbers.until(() => numbers.stdout.split('\n').length > 2, 'two lines');
  expect(JSON.parse(numbers.stdout.split('\n')[0] ?? '')).toMatchObject({
    devices: 1,
    online: expect.any(Number),
  });
  expect((await numbers.kill('SIGTERM')).code).toBe(0);
});

test('without colour nothing is coloured', async () => {
  const wall = screen(['wallboard', '--every', '0'], { NO_COLOR: '1' });
  await wall.until(/devices online/);
  expect(wall.written.replaceAll('\u001b', 'ESC')).not.toMatch(/ESC\[[\d;]*3[1-6][;m]/);
});

/** As terminals of today: emoji are wide. Properties as @xterm/headless packs them: width, and whether it joins the one before. */
const wcwidth = (codepoint: number): 0 | 1 | 2 => {
  const character = String.fromCodePoint(codepoint);
  return /\p{M}/u.test(character) ? 0 : (Math.min(2, width(character)) as 1 | 2);
};
const charProperties = (codepoint: number, preceding: number): number => {
  const own = wcwidth(codepoint);
  return own === 0 && preceding !== 0 ? (preceding & 0b110) | 1 : own << 1;
};
