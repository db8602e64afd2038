/** Whatever was shown, what is written makes a real terminal show the next picture, and only what differs is written. */
import xterm from '@xterm/headless';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Grid } from '../../../src/tui/grid/grid.ts';
import { style } from '../../../src/tui/grid/style.ts';
import { Surface } from '../../../src/tui/grid/surface.ts';
import { Painter } from '../../../src/tui/terminal/painter.ts';
import { DARK } from '../../../src/tui/terminal/themes.ts';

const [WIDTH, HEIGHT] = [24, 5];
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about
const CLEARS = /\u001b\[[0-3]?[JK]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about
const COLOURS = /\u001b\[[\d;]*(3[0-9]|4[0-9]|[34]8;)[\d;]*m/;

const shownBy = async (terminal: InstanceType<typeof xterm.Terminal>, written: string): Promise<string> => {
  await new Promise<void>((resolve) => terminal.write(written, resolve));
  const { active } = terminal.buffer;
  return Array.from({ length: HEIGHT }, (_, row) => active.getLine(row)?.translateToString(true) ?? '')
    .map((line) => line.trimEnd())
    .join('\n');
};
const emulator = () =>
  new xterm.Terminal({ cols: WIDTH, rows: HEIGHT, allowProposedApi: true, scrollback: 0 });

const drawing = fc.array(
  fc.record({
    x: fc.nat(WIDTH + 2),
    y: fc.nat(HEIGHT),
    text: fc.string({
      unit: fc.constantFrom('a', 'b', ' ', 'ü', '監', '視', '한', '─', '█', '…', 'é'),
      maxLength: 14,
    }),
    look: fc.constantFrom(style(), style('bad'), style('text', 'selected'), style('good', 'bar')),
  }),
  { maxLength: 8 },
);

describe('the painter', () => {
  test('any picture after any other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(drawing, { minLength: 1, maxLength: 5 }), async (pictures) => {
        const terminal = emulator();
        const painter = new Painter(DARK, '256');
        const grid = new Grid(WIDTH, HEIGHT);
        for (const texts of pictures) {
          grid.clear();
          const surface = new Surface(grid);
          for (const { x, y, text, look } of texts) surface.text(x, y, text, look);
          expect(await shownBy(terminal, painter.paint(grid))).toBe(grid.toText());
        }
        terminal.dispose();
      }),
      { numRuns: 150 },
    );
  });

  test('the same picture again is nothing to write', () => {
    const painter = new Painter(DARK, 'true');
    const grid = new Grid(80, 24);
    new Surface(grid).text(3, 3, 'web-1', style('good'));
    expect(painter.paint(grid)).not.toBe('');
    expect(painter.paint(grid)).toBe('');
  });

  test('one cell costs a few bytes, and nothing is ever cleared', () => {
    const painter = new Painter(DARK, 'true');
    const grid = new Grid(200, 60);
    const surface = new Surface(grid);
    for (let y = 0; y < 60; y++) surface.text(0, y, `line ${y}`.repeat(20));
    const whole = painter.paint(grid);
    surface.text(100, 30, '!');
    const one = painter.paint(grid);
    expect(Buffer.byteLength(one)).toBeLessThan(32);
    expect(whole + one).not.toMatch(CLEARS);
  });

  test('after a character of doubtful width the column is set, so that none breaks', () => {
    const painter = new Painter(DARK, 'none');
    const grid = new Grid(20, 1);
    const surface = new Surface(grid);
    surface.text(0, 0, 'a🚀b');
    surface.text(10, 0, '│');
    expect(painter.paint(grid)).toContain('  \u001b[2G🚀\u001b[4Gb');
  });

  test('without colours what is selected is seen, by its reverse', () => {
    const painter = new Painter(DARK, 'none');
    const grid = new Grid(4, 1);
    new Surface(grid).text(0, 0, 'x', style('bad', 'selected'));
    const written = painter.paint(grid);
    expect(written).toContain('\u001b[0;7m');
    expect(written).not.toMatch(COLOURS);
  });
});
