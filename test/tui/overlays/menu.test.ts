import { expect, test } from 'vitest';
import type { App } from '../../../src/tui/app/app.ts';
import { Grid } from '../../../src/tui/grid/grid.ts';
import { Surface } from '../../../src/tui/grid/surface.ts';
import { type Choice, Menu } from '../../../src/tui/overlays/menu.ts';

const of = (choices: readonly Choice[], text?: string) => {
  const app = { closeOverlay() {} } as unknown as App;
  const menu = new Menu(app, { title: 'x', choices, ...(text && { text }) });
  const drawn = (columns: number, rows: number): string[] => {
    const { width, height } = menu.size(columns, rows);
    const grid = new Grid(width, height);
    menu.draw(new Surface(grid));
    return grid
      .toText()
      .split('\n')
      .map((line) => line.trimEnd());
  };
  return { menu, drawn };
};

test('what a choice does is read to its end at 80 columns', () => {
  const note = 'it is web-1: keeps its GUID and history, gets the new key, and the old one ends';
  const { drawn } = of([
    { key: 'm', title: 'Merge', note, run() {} },
    { key: 'n', title: 'Approve under another name', note: 'one more machine', run() {} },
  ]);
  const lines = drawn(76, 20);
  expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain(note);
  expect(lines.join('')).not.toContain('…');
});

test('more choices than lines: each is reached, by key and by mouse', () => {
  let chosen = '';
  const { menu, drawn } = of(
    Array.from({ length: 50 }, (_, index) => ({
      key: ' ',
      title: `script-${index}`,
      run: () => {
        chosen = `script-${index}`;
      },
    })),
    'Which?',
  );
  expect(drawn(76, 12).at(-1)).toMatch(/script-9 +1\/50$/);
  expect(drawn(76, 12).join('\n')).not.toContain('script-10');
  for (let i = 0; i < 30; i++) menu.key('down');
  const lines = drawn(76, 12);
  expect(lines.at(-1)).toMatch(/script-30 +31\/50$/);
  menu.mouse(6, lines.indexOf('    script-25'));
  expect(chosen).toBe('script-25');
  menu.key('up');
  menu.key('enter');
  expect(chosen).toBe('script-29');
});
