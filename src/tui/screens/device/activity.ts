/** What happened to one device of late, newest first. */
import type { Device } from '../../../protocol/device.ts';
import type { Event } from '../../../protocol/event.ts';
import type { App } from '../../app/app.ts';
import { clock } from '../../components/age.ts';
import { eventStyle } from '../../components/events.ts';
import { style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';

export const activityOf = ({ store }: App, { guid, name }: Device, most: number): Event[] => {
  const found: Event[] = [];
  for (let i = store.events.length - 1; i >= 0 && found.length < most; i--) {
    const event = store.events[i];
    if (event && (event.guid === guid || event.device === name)) found.push(event);
  }
  return found;
};

export const drawActivity = (surface: Surface, app: App, device: Device): void => {
  const found = activityOf(app, device, surface.height);
  for (const [y, { at, type, message }] of found.entries()) {
    surface.text(0, y, clock(at), style('faint'));
    surface.text(10, y, type, eventStyle(type), 20);
    surface.text(31, y, message);
  }
  if (found.length === 0) surface.text(0, 0, 'Nothing since the dashboard was opened.', style('muted'));
};
