/** What happened to one device of late, newest first: what the engine kept, and what was heard since. */
import type { Device } from '../../../protocol/device.ts';
import type { Event } from '../../../protocol/event.ts';
import type { App } from '../../app/app.ts';
import { clock } from '../../components/age.ts';
import { eventStyle } from '../../components/events.ts';
import type { Resource } from '../../data/resource.ts';
import { style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';

/** As many as a screen has lines for. */
const KEPT = 50;

export type Earlier = Pick<Resource<Event[]>, 'value' | 'error'>;

/** For a Resource: what happened to it before anybody looked. */
export const earlierOf =
  ({ client }: Pick<App, 'client'>, guid: string) =>
  async (signal: AbortSignal): Promise<Event[]> =>
    (await client.call('event.list', { device: guid, limit: KEPT }, { signal })).items;

export const activityOf = (
  { store }: Pick<App, 'store'>,
  { guid, name }: Pick<Device, 'guid' | 'name'>,
  { value: earlier = [] }: Earlier,
  most: number,
): Event[] => {
  const found = new Map(earlier.map((event) => [event.id, event]));
  let heard = 0;
  for (let i = store.events.length - 1; i >= 0 && heard < most; i--) {
    const event = store.events[i];
    if (!event || (event.guid !== guid && event.device !== name)) continue;
    found.set(event.id, event);
    heard++;
  }
  return [...found.values()].sort((a, b) => b.id - a.id).slice(0, most);
};

export const drawActivity = (surface: Surface, app: App, device: Device, earlier: Earlier): void => {
  const found = activityOf(app, device, earlier, surface.height);
  for (const [y, { at, type, message }] of found.entries()) {
    surface.text(0, y, clock(at), style('faint'));
    surface.text(10, y, type, eventStyle(type), 20);
    surface.text(31, y, message);
  }
  if (found.length > 0) return;
  const { value, error } = earlier;
  const nothing = value ? 'Nothing happened to it of late.' : (error?.message ?? 'Asking the engine…');
  surface.text(0, 0, nothing, style('muted'));
};
