/** What happened to one device of late, newest first. */
import type { Device } from '../../../protocol/device.ts';
import type { App } from '../../app/app.ts';
import { clock } from '../../components/age.ts';
import { eventStyle } from '../../components/events.ts';
import { style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';

export const drawActivity = (surface: Surface, { store }: App, { guid, name }: Device): void => {
  let y = 0;
  for (let i = store.events.length - 1; i >= 0 && y < surface.height; i--) {
    const event = store.events[i];
    if (!event || (event.guid !== guid && event.device !== name)) continue;
    surface.text(0, y, clock(event.at), style('faint'));
    surface.text(10, y, event.type, eventStyle(event.type), 20);
    surface.text(31, y, event.message);
    y++;
  }
  if (y === 0) surface.text(0, 0, 'Nothing since the dashboard was opened.', style('muted'));
};
