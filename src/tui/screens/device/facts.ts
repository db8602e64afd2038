/** What is known of a device, as names and values. */
import type { Device, Inventory } from '../../../protocol/device.ts';
import { bytes } from '../../../text/size.ts';
import { span } from '../../../text/time.ts';
import type { App } from '../../app/app.ts';
import { ago, left } from '../../components/age.ts';
import type { Fact } from '../../components/facts.ts';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import { tagText } from './columns.ts';

export const deviceFacts = (app: App, device: Device, inventory: Inventory | undefined): Fact[] => {
  const now = app.now();
  const newest = app.store.measurements.newest(device.guid);
  const distribution = inventory?.os.distribution;
  return [
    ['State', `${stateMark(device.state)} ${device.state}`, style(stateRole(device.state))],
    ['Seen', device.state === 'online' ? 'now' : ago(device.last_seen, now)],
    ['Host name', device.hostname === device.name ? null : device.hostname],
    ['Site', device.site],
    ['Tags', tagText(device.tags), style('info')],
    [
      'System',
      distribution ? `${distribution} ${inventory?.os.release ?? ''}` : `${device.os} ${device.arch}`,
    ],
    ['Address', device.address],
    ['Processor', inventory && `${inventory.cpu.cores} × ${inventory.cpu.model ?? device.arch}`],
    ['Memory', inventory && bytes(inventory.memory_bytes)],
    ['Up for', newest && span(newest.uptime_seconds)],
    ['Enrolled', ago(device.enrolled_at, now)],
    ['Agent', device.agent_version],
    ...device.contexts.map(
      ({ context, online, certificate_expires_at: expires }): Fact => [
        `  as ${context}`,
        `${online ? 'online' : 'offline'}, certificate ${left(expires, now)}`,
        style(online ? 'text' : 'muted'),
      ],
    ),
    ['GUID', device.guid, style('muted')],
  ];
};

export const connectionFacts = (app: App, device: Device, ports: readonly string[] | undefined): Fact[] => {
  const tunnel = app.store.tunnels.value?.find(({ guid }) => guid === device.guid);
  const shells = (app.store.shells.value ?? []).filter(({ guid }) => guid === device.guid);
  const running = shells.filter(({ state }) => state !== 'ended');
  return [
    ['Tunnel', tunnelText(tunnel), style(tunnel ? stateRole(tunnel.state) : 'muted')],
    ['Traffic', tunnel?.state === 'up' ? `↓ ${bytes(tunnel.tx_bytes)}  ↑ ${bytes(tunnel.rx_bytes)}` : null],
    ['Ports', ports?.join(' ')],
    [
      'Shells',
      running.length === 0
        ? 'none; s opens one'
        : running.map(({ user, viewers }) => `${user} (${viewers.length} there)`).join(', '),
    ],
  ];
};

const tunnelText = (
  tunnel: { state: string; transport: string | null; virtual_ip: string | null } | undefined,
): string => {
  if (!tunnel || tunnel.state === 'down') return 'down; c brings it up';
  return `${stateMark(tunnel.state)} ${tunnel.state}${tunnel.transport ? ` by ${tunnel.transport}` : ''} ${tunnel.virtual_ip ?? ''}`;
};

export const inventoryLines = ({
  collected_at,
  system,
  os,
  cpu,
  memory_bytes,
  disks,
  interfaces,
  routes,
  interpreters,
  verbs,
}: Inventory): string[] => {
  const line = (name: string, ...values: readonly (string | number | null | undefined)[]): string =>
    `${name.padEnd(14)}${values.filter((value) => value !== null && value !== undefined && value !== '').join(' ') || '-'}`;
  return [
    line('Collected', collected_at),
    line('Machine', system.manufacturer, system.model, system.virtual ? '(virtual)' : ''),
    line('Serial', system.serial),
    line('System', os.distribution ?? os.platform, os.release),
    line('Kernel', os.kernel),
    line('Host name', os.hostname),
    line('Time zone', os.timezone),
    line('Processor', cpu.model),
    line('Cores', cpu.cores, cpu.physical_cores === null ? '' : `(${cpu.physical_cores} physical)`),
    line('Memory', bytes(memory_bytes)),
    '',
    ...disks.map(({ device, mount, type, size_bytes }) =>
      line('Disk', mount.padEnd(20), bytes(size_bytes).padStart(10), type, device),
    ),
    '',
    ...interfaces.map(({ name, mac, addresses }) =>
      line('Interface', name.padEnd(14), (mac ?? '').padEnd(18), addresses.join(', ')),
    ),
    ...routes.map((route) => line('Route', route.network.padEnd(14), route.interface ?? 'nowhere')),
    '',
    ...interpreters.map(({ language, path, version }) =>
      line('Interpreter', language.padEnd(12), path, version),
    ),
    '',
    line('Verbs', verbs.join(', ')),
  ];
};
