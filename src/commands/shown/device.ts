/** Devices, as people see them. */
import type { Device } from '../../protocol/device.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import { stateColour } from '../manner/paint.ts';
import { type Fact, facts } from '../manner/table.ts';

export const tagText = (tags: Readonly<Record<string, string>>): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');

export const deviceList = (out: Output): ListView<Device> => ({
  columns: [
    { title: 'NAME', value: ({ name }) => name, gives: true },
    { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => stateColour(state) },
    { title: 'OS', value: ({ os, arch }) => `${os} ${arch}`, gives: true, spare: true },
    { title: 'SITE', value: ({ site }) => site, gives: true },
    { title: 'TAGS', value: ({ tags }) => tagText(tags), gives: true, spare: true },
    { title: 'ADDRESS', value: ({ address }) => address, spare: true },
    { title: 'LAST SEEN', value: ({ last_seen }) => out.time(last_seen) },
  ],
  name: ({ name }) => name,
  empty: 'No devices yet. Enrol one with: borealisctl code create',
});

/** `more`: what it is made of and how it fares, where that is known. */
export const deviceCard = (out: Output, device: Device, more: readonly Fact[] = []): string[] => {
  const rows: Fact[] = [
    ['Name', device.name],
    ['State', device.state, stateColour(device.state)],
    ['GUID', device.guid],
    ['Host name', device.hostname],
    ['System', `${device.os} ${device.arch}`],
    ['Site', device.site],
    ['Tags', tagText(device.tags)],
    ['Address', device.address],
    ['Last seen', out.moment(device.last_seen)],
    ['Enrolled', out.moment(device.enrolled_at)],
    ['Agent version', device.agent_version],
    ['Fingerprint', device.fingerprint],
    ['Clock', clockText(device.clock_offset_ms)],
    ...device.contexts.map(
      ({ context, online, certificate_expires_at: expires }): Fact => [
        `Agent (${context})`,
        `${online ? 'online' : 'offline'}; its certificate expires ${out.moment(expires)}`,
      ],
    ),
    ...more,
  ];
  return facts(rows, out.paint);
};

const clockText = (offset: number | null): string | null => {
  if (offset === null) return null;
  if (Math.abs(offset) < 1_000) return 'right';
  return `${(Math.abs(offset) / 1_000).toFixed(1)} s ${offset > 0 ? 'ahead' : 'behind'}`;
};
