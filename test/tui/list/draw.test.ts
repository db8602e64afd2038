import { expect, test } from 'vitest';
import { Grid } from '../../../src/tui/grid/grid.ts';
import { Surface } from '../../../src/tui/grid/surface.ts';
import { drawList } from '../../../src/tui/list/draw.ts';
import { ListModel } from '../../../src/tui/list/model.ts';

test('what is said of an empty list is broken between words where the window is narrow', () => {
  const list = new ListModel<{ id: string }>({
    items: () => [],
    version: () => 0,
    id: ({ id }) => id,
    columns: [{ id: 'id', title: 'ID', width: 8, text: ({ id }) => id }],
  });
  const grid = new Grid(40, 8);
  const empty = [
    'Nobody waits.',
    '',
    'n makes a code. An agent that uses it comes up here, and waits for you.',
  ];
  drawList(new Surface(grid), list, { focus: true, empty });
  const text = grid.toText();
  expect(text).not.toContain('…');
  expect(text.replaceAll(/\s+/g, ' ')).toContain(empty[2]);
});
