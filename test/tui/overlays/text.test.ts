import { expect, test } from 'vitest';
import type { App } from '../../../src/tui/app/app.ts';
import { Grid } from '../../../src/tui/grid/grid.ts';
import { Surface } from '../../../src/tui/grid/surface.ts';
import { globalKeys, listKeys } from '../../../src/tui/keys/global.ts';
import { help } from '../../../src/tui/overlays/help.ts';
import { Palette } from '../../../src/tui/overlays/palette.ts';
import { coloured, fromColumn, TextPane } from '../../../src/tui/overlays/text.ts';
import { deviceListKeys } from '../../../src/tui/screens/device/keys.ts';
import { shellKeys } from '../../../src/tui/screens/shell/keys.ts';

const drawn = (pane: TextPane, width: number, height: number): string[] => {
  const grid = new Grid(width, height);
  pane.draw(new Surface(grid));
  return grid.toText().split('\n');
};

test('lines that are longer are read by going sideways, coloured ones too, and not beyond their end', () => {
  const lines = ['a plain line that goes on', coloured('\u001b[32mgreen\u001b[39m and 東京 then more')];
  const pane = new TextPane({} as App, 'x', () => lines);
  expect(drawn(pane, 16, 2)).toEqual(['a plain line th…', 'green and 東京 …']);
  pane.key('right');
  expect(drawn(pane, 16, 2)).toEqual(['line that goes …', 'd 東京 then more']);
  for (let i = 0; i < 9; i++) pane.key('right');
  expect(drawn(pane, 16, 2)).toEqual(['ine that goes on', ' 東京 then more']);
  pane.key('left');
  pane.key('left');
  expect(drawn(pane, 16, 2)[0]).toBe('a plain line th…');
});

test('half of a wide character is a blank', () => {
  expect(fromColumn([{ text: 'a東b' }], 2)).toEqual([{ text: ' b', style: undefined }]);
  expect(fromColumn([{ text: 'ab' }, { text: 'cd', style: 3 }], 3)).toEqual([{ text: 'd', style: 3 }]);
});

test('at 80 columns help says what each key does to the end', () => {
  let pane: TextPane | undefined;
  const app = {
    view: { title: 'devices', bindings: deviceListKeys, list: {} },
    host: { columns: 80 },
    open: (opened: TextPane) => {
      pane = opened;
    },
  } as unknown as App;
  help(app);
  const { width } = pane!.size(76, 200);
  const text = drawn(pane!, width, 200).join('\n');
  const words = text.replaceAll(/\s+/g, ' ');
  expect(text).not.toContain('…\n');
  for (const { title } of Object.values({ ...deviceListKeys, ...listKeys, ...globalKeys }))
    expect(words).toContain(title);
});

test('help names no key that does something else here, and none that does nothing', () => {
  let pane: TextPane | undefined;
  const app = {
    view: { title: '2 shells', bindings: shellKeys },
    host: { columns: 120 },
    open: (opened: TextPane) => {
      pane = opened;
    },
  } as unknown as App;
  help(app);
  const text = drawn(pane!, 90, 60).join('\n');
  expect(text).toContain(shellKeys.swap.title);
  expect(text).not.toContain(globalKeys.dismiss.title);
  expect(text).not.toContain(globalKeys.filter.title);
  // Of two keys the one that is left.
  expect(text).toMatch(/^ {2}\] +Next screen/m);
});

test('what the palette finds has all of its line, up to its key', () => {
  const run = (): void => {};
  const title = 'audit verify: Recompute the whole chain of changes, and name what is off';
  const palette = new Palette({} as App, [{ kind: 'command', title, note: ':', run }], () => []);
  const { width, height } = palette.size(120, 30);
  const grid = new Grid(width, height);
  palette.draw(new Surface(grid));
  expect(grid.toText().split('\n')[1]).toBe(` command   ${title.slice(0, 68)}…  :`);
});
