import { expect, test } from 'vitest';
import type { Device } from '../../../../src/protocol/device.ts';
import type { App } from '../../../../src/tui/app/app.ts';
import { Grid } from '../../../../src/tui/grid/grid.ts';
import { Surface } from '../../../../src/tui/grid/surface.ts';
import type { Menu } from '../../../../src/tui/overlays/menu.ts';
import { openShell } from '../../../../src/tui/screens/shell/open.ts';

test('shells that run on a device are told apart by when they began and who is there', async () => {
  const now = Date.parse('2026-03-01T12:00:00.000Z');
  const shell = (minutes: number, viewers: { user: string }[]) => ({
    ...{ guid: 'g', device: 'web-1', user: 'root', state: 'running', title: null, viewers },
    started_at: new Date(now - minutes * 60_000).toISOString(),
  });
  let opened: Menu | undefined;
  const value = [shell(3, []), shell(120, [{ user: 'ada' }]), { ...shell(9, []), state: 'ended' }];
  const app = {
    store: { shells: { refresh: async () => {}, value } },
    now: () => now,
    open: (menu: Menu) => {
      opened = menu;
    },
  } as unknown as App;
  await openShell(app, [{ guid: 'g', name: 'web-1' } as Device]);
  const { width, height } = opened!.size(76, 40);
  const grid = new Grid(width, height);
  opened!.draw(new Surface(grid));
  expect(grid.toText().split('\n')).toEqual([
    ' 1  Come to root’s  began 3 min ago, nobody is there',
    ' 2  Come to root’s  began 2 h ago, ada there',
    ' n  A new shell',
  ]);
});
