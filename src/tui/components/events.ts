/** Events as lines. */
import type { Event } from '../../protocol/event.ts';
import { type Style, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';
import { clock } from './age.ts';

/** What deserves a look stands out; what goes on all the time stays quiet. */
export const eventStyle = (type: string): Style => {
  if (type === 'security.alert' || type === 'ha.flapping' || /\.(denied|revoked|removed)$/.test(type))
    return style('bad');
  if (/^approval\.requested|\.(changed|gap|stopping)$/.test(type)) return style('warn');
  if (/\.(online|enrolled|approved|released|started)$|_start$/.test(type)) return style('good');
  if (type === 'device.quarantined') return style('special');
  if (/^(job|shell|copy)\.|^ha\.switched$/.test(type)) return style('accent');
  return style('muted');
};

/** The newest at the top. */
export const drawEvents = (surface: Surface, events: readonly Event[]): void => {
  for (let y = 0; y < surface.height; y++) {
    const event = events[events.length - 1 - y];
    if (!event) break;
    surface.text(0, y, clock(event.at), style('faint'));
    surface.text(10, y, event.type, eventStyle(event.type), 19);
    surface.text(30, y, event.message);
  }
};
