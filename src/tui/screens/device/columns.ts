import type { Device } from '../../../protocol/device.ts';
import { percent } from '../../../text/size.ts';
import type { App } from '../../app/app.ts';
import { age } from '../../components/age.ts';
import { drawSpark, shareLook } from '../../components/chart.ts';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import type { Column } from '../../list/columns.ts';

export const tagText = (tags: Readonly<Record<string, string>>): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');

const ORDER = ['quarantined', 'offline', 'pending', 'online', 'revoked'];

export const deviceColumns = (app: App): readonly Column<Device>[] => {
  const { measurements } = app.store;
  const memory = ({ guid }: Device): number | undefined => {
    const sample = measurements.newest(guid);
    return sample && sample.memory_total_bytes > 0
      ? sample.memory_used_bytes / sample.memory_total_bytes
      : undefined;
  };
  return [
    {
      id: 'name',
      title: 'NAME',
      width: 18,
      grow: 3,
      text: ({ name }) => name,
      style: ({ state }) => style(state === 'online' ? 'text' : 'muted'),
    },
    {
      id: 'state',
      title: 'STATE',
      width: 13,
      text: ({ state }) => `${stateMark(state)} ${state}`,
      style: ({ state }) => style(stateRole(state)),
      order: ({ state }) => ORDER.indexOf(state),
    },
    {
      id: 'cpu',
      title: 'CPU',
      width: 15,
      keep: 5,
      text: () => '',
      draw: (surface, x, y, width, { guid, state }) => {
        if (state === 'online') measurements.want(guid);
        const cpu = measurements.cpu(guid);
        if (!cpu) return void surface.text(x, y, '-', style('faint'));
        if (state !== 'online') return;
        drawSpark(surface, x, y, width - 5, cpu);
        const last = measurements.cpuNow(guid);
        if (last !== undefined) surface.text(x + width - 4, y, `${last}%`.padStart(4), shareLook(last / 100));
      },
      order: ({ guid }) => measurements.cpuNow(guid) ?? -1,
    },
    {
      id: 'memory',
      title: 'MEM',
      width: 4,
      align: 'right',
      keep: 4,
      text: (device) => {
        const share = memory(device);
        return share === undefined || device.state !== 'online' ? '' : percent(share, 1);
      },
      style: (device) => {
        const share = memory(device);
        return share === undefined || device.state !== 'online' ? style('faint') : shareLook(share);
      },
      order: (device) => memory(device) ?? -1,
    },
    {
      id: 'site',
      title: 'SITE',
      width: 8,
      grow: 1,
      keep: 6,
      text: ({ site }) => site ?? '',
      style: () => style('muted'),
    },
    {
      id: 'tags',
      title: 'TAGS',
      width: 10,
      grow: 3,
      keep: 3,
      text: ({ tags }) => tagText(tags),
      style: () => style('info'),
    },
    {
      id: 'os',
      title: 'SYSTEM',
      width: 14,
      grow: 1,
      keep: 1,
      text: ({ os, arch }) => `${os} ${arch}`,
      style: () => style('muted'),
    },
    {
      id: 'address',
      title: 'ADDRESS',
      width: 15,
      keep: 0,
      text: ({ address }) => address ?? '',
      style: () => style('muted'),
    },
    {
      id: 'seen',
      title: 'SEEN',
      width: 6,
      align: 'right',
      keep: 2,
      text: ({ last_seen, state }) => (state === 'online' ? 'now' : age(last_seen, app.now())),
      style: ({ state }) => style(state === 'online' ? 'good' : 'muted'),
      order: ({ last_seen }) => -(last_seen === null ? 0 : Date.parse(last_seen)),
    },
  ];
};
