import { expect, test } from 'vitest';
import { Grid } from '../../../src/tui/grid/grid.ts';
import { Surface } from '../../../src/tui/grid/surface.ts';

const on = (width: number, draw: (surface: Surface) => void): string => {
  const grid = new Grid(width, 1);
  draw(new Surface(grid));
  return grid.toText();
};

test.each([
  ['abcdef', 4, 'abc…'],
  ['abcd', 4, 'abcd'],
  ['監視サーバー', 6, '監視…'],
  ['監視', 4, '監視'],
  ['監視', 3, '監…'],
  ['👩‍👩‍👧x', 3, '👩‍👩‍👧x'],
  ['', 3, ''],
])('%j in %d columns is %j', (text, columns, expected) => {
  expect(on(columns, (surface) => surface.text(0, 0, text))).toBe(expected);
});

test('a name cannot control the terminal, nor turn the line around', () => {
  const shown = on(40, (surface) => surface.text(0, 0, 'web\u001b[2J\u202e1\u0007\u009b31m\tx'));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(shown).toContain('web');
});

test('half of a wide character is never left', () => {
  const shown = on(6, (surface) => {
    surface.text(0, 0, '監視');
    surface.text(1, 0, 'x');
  });
  expect(shown).toBe(' x視');
});

test('nothing is drawn beside the surface', () => {
  const grid = new Grid(10, 3);
  const inner = new Surface(grid).sub(2, 1, 4, 1);
  inner.text(0, 0, 'abcdefgh');
  inner.text(0, 1, 'below');
  inner.text(-3, 0, 'left');
  inner.fill(-5, -5, 100, 100, 0, '#');
  expect(grid.toText()).toBe('\n  ####\n');
});
