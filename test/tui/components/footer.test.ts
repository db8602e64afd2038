/** The line of keys at the foot of every screen, as wide as the terminal is. */
import { expect, test } from 'vitest';
import type { App } from '../../../src/tui/app/app.ts';
import { drawFooter } from '../../../src/tui/components/chrome.ts';
import { Grid } from '../../../src/tui/grid/grid.ts';
import { Surface } from '../../../src/tui/grid/surface.ts';
import { type Bindings, keyName } from '../../../src/tui/keys/binding.ts';
import { keyTable } from '../../../src/tui/keys/table.ts';
import { deviceListKeys } from '../../../src/tui/screens/device/keys.ts';

const footer = (bindings: Bindings, columns: number): string => {
  const grid = new Grid(columns, 1);
  // What the footer asks of the app, and no more.
  const app = {
    view: { bindings, list: { marks: new Set() } },
    filterField: undefined,
    overlay: undefined,
  } as unknown as App;
  drawFooter(new Surface(grid), app);
  return grid.toText().trim();
};

test('at 80 columns the keys of the screen come first, and where all the others are', () => {
  expect(footer(deviceListKeys, 80)).toMatch(
    /^Enter shell {2}→ device {2}r run {2}S script {2}t tag {2}.*\? keys {2}\/ filter {2}q quit$/,
  );
  expect(footer(deviceListKeys, 140)).toMatch(/n enrol.*f state.*\? keys {2}Ctrl-P find {2}: command/);
});

test('where there is no list nothing is said of a filter', () => {
  expect(footer(deviceListKeys, 140)).toContain('filter');
  const app = { view: { bindings: deviceListKeys } } as unknown as App;
  const grid = new Grid(140, 1);
  drawFooter(new Surface(grid), app);
  expect(grid.toText()).not.toContain('filter');
});

test.each(keyTable.slice(2))('%s: the five most used, or all', (_title, bindings) => {
  const hints = Object.values(bindings).filter(({ hint }) => hint);
  const line = footer(bindings, 80);
  expect(line).toContain('? keys');
  for (const { keys, hint } of hints.slice(0, 5)) expect(line).toContain(`${keyName(keys[0] ?? '')} ${hint}`);
});
