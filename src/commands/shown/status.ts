/** The engine at a glance, as people see it. */
import type { Status } from '../../protocol/engine.ts';
import type { Output } from '../manner/output.ts';
import { bytes, plural } from '../manner/size.ts';
import { type Fact, facts } from '../manner/table.ts';
import { plain } from '../manner/text.ts';
import { span } from '../manner/time.ts';

export const statusCard = (out: Output, status: Status): string[] => {
  const { devices, store } = status;
  const rows: Fact[] = [
    [
      'Engine',
      `${status.ready ? 'ready' : 'starting'}, version ${status.version}, process ${status.pid}, up ${span(status.uptime_seconds)}`,
      status.ready ? 'green' : 'yellow',
    ],
    ['State', status.state_directory],
    ['Store', `${store.driver}, ${bytes(store.size_bytes)}, schema ${store.schema_version}`],
    ...status.listeners.map(
      ({ kind, address }): Fact => [kind === 'local' ? 'Local socket' : 'Agents connect to', address],
    ),
    ['CA pin', status.ca_pin],
    ['Devices', deviceText(devices)],
    [
      'Approvals',
      status.approvals_waiting === 0 ? 'none waiting' : `${status.approvals_waiting} waiting`,
      status.approvals_waiting === 0 ? undefined : 'yellow',
    ],
    ['Jobs', `${status.jobs_running} running, ${status.jobs_queued} queued`],
    ['Tunnels', status.tunnels === 0 ? null : status.tunnels],
    ...status.ha.map(({ vpn, state }): Fact => [`HA ${vpn}`, state]),
  ];
  const warnings = status.warnings.flatMap(({ message, next }) => [
    `${out.paint('yellow', '!')} ${plain(message)}`,
    `  ${out.paint('dim', plain(next))}`,
  ]);
  return [...facts(rows, out.paint), ...(warnings.length > 0 ? ['', ...warnings] : [])];
};

const deviceText = ({ total, online, offline, quarantined, revoked }: Status['devices']): string => {
  if (total === 0) return 'none yet; enrol one with: borealisctl code create';
  const parts = [`${online} online`, `${offline} offline`];
  if (quarantined > 0) parts.push(`${quarantined} quarantined`);
  if (revoked > 0) parts.push(`${revoked} revoked`);
  return `${plural(total, 'device')}: ${parts.join(', ')}`;
};
