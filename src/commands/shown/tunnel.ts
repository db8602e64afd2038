/** Tunnels, as people see them. */
import type { Tunnel } from '../../protocol/tunnel.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import type { Colour } from '../manner/paint.ts';
import { bytes } from '../manner/size.ts';
import { facts } from '../manner/table.ts';
import { span } from '../manner/time.ts';

const COLOURS: Readonly<Record<Tunnel['state'], Colour>> = { up: 'green', connecting: 'yellow', down: 'dim' };

export const tunnelList = (out: Output): ListView<Tunnel> => ({
  columns: [
    { title: 'DEVICE', value: ({ device }) => device, gives: true },
    { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => COLOURS[state] },
    { title: 'ADDRESS', value: ({ virtual_ip }) => virtual_ip },
    { title: 'BY', value: ({ transport }) => transport },
    { title: 'PORTS', value: ({ allowed_ports }) => allowed_ports.join(' '), gives: true, spare: true },
    { title: 'OPERATORS', value: ({ operators }) => operators.join(' '), gives: true, spare: true },
    { title: 'IDLE LEFT', value: ({ idle_left }) => span(idle_left), spare: true },
    { title: 'HANDSHAKE', value: ({ last_handshake }) => out.time(last_handshake), spare: true },
  ],
  name: ({ device }) => device,
  empty: 'No tunnel is up. Bring one up with: borealisctl tunnel connect DEVICE',
});

export const tunnelCard = (out: Output, tunnel: Tunnel): string[] =>
  facts(
    [
      ['Device', tunnel.device],
      ['State', tunnel.state, COLOURS[tunnel.state]],
      ['Address', tunnel.virtual_ip],
      ['By', BY[tunnel.transport ?? 'none']],
      ['Endpoint', tunnel.endpoint],
      ['Allowed ports', tunnel.allowed_ports.join(', ') || 'none'],
      ['Operators', tunnel.operators.join(', ')],
      [
        'Idle',
        tunnel.state === 'down' ? null : `${span(tunnel.idle_seconds)}; ends in ${span(tunnel.idle_left)}`,
      ],
      ['Received', tunnel.state === 'down' ? null : bytes(tunnel.rx_bytes)],
      ['Sent', tunnel.state === 'down' ? null : bytes(tunnel.tx_bytes)],
      ['Last handshake', out.moment(tunnel.last_handshake)],
      ['Up since', out.moment(tunnel.started_at)],
    ],
    out.paint,
  );

const BY = { udp: 'UDP', relay: 'the agent channel, because UDP does not pass', none: null } as const;

export const tunnelEvents = [
  'vpn_tunnel_start',
  'vpn_tunnel_stop',
  'vpn_tunnel_activity',
  'device.changed',
] as const;
