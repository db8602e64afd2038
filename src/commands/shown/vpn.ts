/** VPN services and their connections, as people see them. */
import type { Connection, VpnService } from '../../protocol/vpn.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import type { Colour } from '../manner/paint.ts';
import { bytes } from '../manner/size.ts';
import { facts } from '../manner/table.ts';
import { tagText } from './device.ts';

const PHASES: Readonly<Record<VpnService['phase'], Colour>> = {
  up: 'green',
  waiting: 'yellow',
  failed: 'red',
};
const STATUSES: Readonly<Record<Connection['status'], Colour>> = {
  new: 'cyan',
  connected: 'green',
  idle: 'dim',
  disabled: 'yellow',
  expired: 'yellow',
};

export const vpnList = (): ListView<VpnService> => ({
  columns: [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'PHASE', value: ({ phase }) => phase, colour: ({ phase }) => PHASES[phase] },
    { title: 'ENDPOINT', value: ({ endpoint }) => endpoint, gives: true },
    { title: 'POOL', value: ({ pool }) => pool },
    { title: 'CONNECTIONS', value: ({ connections }) => connections, align: 'right', spare: true },
    { title: 'NODE', value: ({ node }) => node, spare: true },
    {
      title: 'LOCAL SUBNETS',
      value: ({ local_subnets }) => local_subnets.join(' '),
      gives: true,
      spare: true,
    },
    { title: 'PROJECT', value: ({ project }) => project, gives: true, spare: true },
  ],
  name: ({ name }) => name,
  empty:
    'There is no VPN service. Make one with: borealisctl vpn create NAME --endpoint HOST:PORT --pool 10.8.0.0/24',
});

export const vpnCard = (out: Output, vpn: VpnService): string[] =>
  facts(
    [
      ['Name', vpn.name],
      ['Phase', vpn.phase, PHASES[vpn.phase]],
      ['Reason', vpn.reason, PHASES[vpn.phase]],
      ['Endpoint', vpn.endpoint],
      ['Public key', vpn.public_key],
      ['Listens', `UDP ${vpn.listen_port}, interface ${vpn.interface}, MTU ${vpn.mtu}`],
      ['Pool', [vpn.pool, ...(vpn.pool6 === null ? [] : [vpn.pool6])].join(', ')],
      ['Local subnets', vpn.local_subnets.join(', ') || 'none'],
      ['Masquerade', vpn.masquerade ? 'yes: clients have the address of its host there' : 'no'],
      ['DNS', vpn.dns.join(', ')],
      ['Connections', String(vpn.connections)],
      ['Project', vpn.project],
      ['Labels', tagText(vpn.labels)],
      ['Node', vpn.node],
      ['Made', out.moment(vpn.created_at)],
      ['Id', vpn.id],
    ],
    out.paint,
  );

export const connectionList = (out: Output, vpn: string): ListView<Connection> => ({
  columns: [
    { title: 'NAME', value: ({ name }) => name },
    { title: 'STATUS', value: ({ status }) => status, colour: ({ status }) => STATUSES[status] },
    { title: 'ADDRESS', value: ({ address }) => address },
    { title: 'HANDSHAKE', value: ({ last_handshake }) => out.time(last_handshake) },
    { title: 'RECEIVED', value: ({ rx_bytes }) => bytes(rx_bytes), align: 'right' },
    { title: 'SENT', value: ({ tx_bytes }) => bytes(tx_bytes), align: 'right' },
    { title: 'ENDPOINT', value: ({ endpoint }) => endpoint, gives: true, spare: true },
    { title: 'SITE', value: ({ site_subnets }) => site_subnets.join(' '), gives: true, spare: true },
    { title: 'ALLOWED', value: ({ allow }) => allow.join(' ') || 'all', gives: true, spare: true },
    { title: 'EXPIRES', value: ({ expires_at }) => out.time(expires_at) },
  ],
  name: ({ name }) => name,
  empty: `${vpn} has no connection. Add one with: borealisctl connection add ${vpn} NAME`,
});

export const connectionCard = (out: Output, connection: Connection): string[] =>
  facts(
    [
      ['Name', connection.name],
      ['VPN', connection.vpn],
      ['Kind', connection.kind],
      ['Status', connection.status, STATUSES[connection.status]],
      [
        'Address',
        [connection.address, ...(connection.address6 === null ? [] : [connection.address6])].join(', '),
      ],
      ['Public key', connection.public_key ?? 'made when its configuration is first shown'],
      ['Pre-shared key', connection.preshared_key ? 'yes' : 'no'],
      ['Site subnets', connection.site_subnets.join(', ')],
      ['Allowed', connection.allow.join(', ') || 'all that the service leads to'],
      ['Expires', out.moment(connection.expires_at)],
      ['Endpoint', connection.endpoint],
      ['Last handshake', out.moment(connection.last_handshake)],
      ['Connected since', out.moment(connection.connected_since)],
      ['Received', bytes(connection.rx_bytes)],
      ['Sent', bytes(connection.tx_bytes)],
      ['Made', `${out.moment(connection.created_at)} by ${connection.created_by}`],
      ['Id', connection.id],
    ],
    out.paint,
  );

export const vpnEvents = [
  'vpn.changed',
  'connection.changed',
  'connection.connected',
  'connection.disconnected',
] as const;
