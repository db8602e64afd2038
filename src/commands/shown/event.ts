/** Events as people see them, and how their types are named. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Event, EventType } from '../../protocol/event.ts';
import type { ListView } from '../manner/command.ts';
import { nearest } from '../manner/nearest.ts';
import type { Output } from '../manner/output.ts';
import type { Colour } from '../manner/paint.ts';
import { clockTime, type RunningColumn } from '../manner/running-table.ts';

/** Every type: what is not listed here does not compile. */
const COLOURS: Readonly<Record<EventType, Colour | undefined>> = {
  'engine.started': 'green',
  'engine.stopping': 'yellow',
  'approval.requested': 'yellow',
  'approval.approved': 'green',
  'approval.denied': 'red',
  'approval.expired': 'dim',
  'device.enrolled': 'green',
  'device.online': 'green',
  'device.offline': 'dim',
  'device.changed': undefined,
  'device.quarantined': 'magenta',
  'device.released': 'green',
  'device.revoked': 'red',
  'device.removed': 'red',
  'device.inventory': undefined,
  'job.created': 'cyan',
  'job.finished': 'cyan',
  'job.target': undefined,
  'code.created': undefined,
  'code.revoked': undefined,
  'script.changed': undefined,
  'user.changed': 'yellow',
  'config.changed': 'yellow',
  'security.alert': 'red',
  'agent.event': undefined,
  vpn_tunnel_start: 'green',
  vpn_tunnel_stop: 'dim',
  vpn_tunnel_activity: undefined,
  'shell.started': 'cyan',
  'shell.ended': 'cyan',
  'shell.viewers': undefined,
  'copy.started': 'cyan',
  'vpn.changed': 'yellow',
  'connection.changed': undefined,
  'connection.connected': 'green',
  'connection.disconnected': 'dim',
  'ha.changed': 'yellow',
  'ha.switched': 'magenta',
  'ha.flapping': 'red',
  'stream.gap': 'yellow',
};

export const EVENT_TYPES = Object.keys(COLOURS) as EventType[];

/** `device` stands for all of its types. Errors: USAGE with the nearest. */
export const readTypes = (given: readonly string[]): EventType[] =>
  given.flatMap((name) => {
    const found = EVENT_TYPES.filter((type) => type === name || type.startsWith(`${name}.`));
    if (found.length > 0) return found;
    const near = nearest(name, [
      ...new Set(EVENT_TYPES.map((type) => type.split('.', 1)[0] ?? type)),
      ...EVENT_TYPES,
    ]);
    throw new BorealisError('USAGE', {
      detail: `There are no events of the type “${name}”.`,
      next: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `There are: ${EVENT_TYPES.join(', ')}.`,
    });
  });

export const eventColumns = (out: Output): readonly RunningColumn<Event>[] => [
  { title: 'TIME', value: ({ at }) => clockTime(out, at) },
  { title: 'ID', value: ({ id }) => id, align: 'right', least: 6 },
  { title: 'TYPE', value: ({ type }) => type, colour: ({ type }) => COLOURS[type], least: 18 },
  { title: 'WHAT', value: ({ message }) => message },
];

export const eventList = (out: Output): ListView<Event> => ({
  columns: [
    { title: 'ID', value: ({ id }) => id, align: 'right' },
    { title: 'WHEN', value: ({ at }) => out.time(at) },
    { title: 'TYPE', value: ({ type }) => type, colour: ({ type }) => COLOURS[type] },
    { title: 'DEVICE', value: ({ device }) => device, gives: true },
    { title: 'WHAT', value: ({ message }) => message, gives: true },
  ],
  name: ({ id }) => String(id),
  empty: 'No events are kept that match.',
});
