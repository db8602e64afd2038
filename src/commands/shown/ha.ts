/** Pairs of devices that share an address, as people see them. */
import type { HaHistoryEntry, HaNodeView, HaPair } from '../../protocol/ha.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import type { Colour } from '../manner/paint.ts';
import { facts } from '../manner/table.ts';

const STATES: Readonly<Record<HaPair['state'], Colour>> = {
  ok: 'green',
  degraded: 'yellow',
  switching: 'cyan',
  down: 'red',
  conflict: 'red',
};
const ROLES: Readonly<Record<NonNullable<HaNodeView['role']>, Colour>> = {
  holder: 'green',
  standby: 'cyan',
  conflict: 'red',
  behind: 'yellow',
  failed: 'red',
};
const WHY: Readonly<Record<HaHistoryEntry['reason'], Colour>> = {
  first: 'dim',
  planned: 'green',
  stopped: 'yellow',
  lost: 'red',
};

const gap = (ms: number | null): string => (ms === null ? '–' : `${ms} ms`);

export const haList = (out: Output): ListView<HaPair> => ({
  columns: [
    { title: 'VPN', value: ({ vpn }) => vpn },
    { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => STATES[state] },
    { title: 'ADDRESS', value: ({ address }) => address },
    { title: 'HOLDER', value: ({ holder }) => holder ?? '–' },
    { title: 'PRIMARY', value: ({ primary }) => primary, gives: true },
    { title: 'STANDBY', value: ({ standby }) => standby, gives: true },
    { title: 'LAST SWITCH', value: ({ last_switch }) => out.time(last_switch?.at ?? null), spare: true },
    { title: 'PROJECT', value: ({ project }) => project, gives: true, spare: true },
  ],
  name: ({ vpn }) => vpn,
  empty:
    'There is no pair. Make one with: borealisctl ha enable VPN --primary DEVICE --standby DEVICE --address CIDR',
});

export const haCard = (out: Output, pair: HaPair): string[] => [
  ...facts(
    [
      ['VPN', pair.vpn],
      ['State', pair.state, STATES[pair.state]],
      ['', pair.reason, pair.state === 'ok' ? undefined : STATES[pair.state]],
      ['Address', `${pair.address}${pair.interface === null ? '' : ` on ${pair.interface}`}`],
      ['Holder', pair.holder ?? 'nobody, as far as the engine can see'],
      ['Primary', pair.primary],
      ['Standby', pair.standby],
      ['Last switch', lastSwitch(out, pair)],
      ['Flapping', pair.flapping ? 'yes' : null, 'red'],
      ['Driver', driverOf(pair)],
      ['Lease', `${pair.lease_seconds} s, checked each ${pair.interval_ms} ms, votes on UDP ${pair.port}`],
      ['Fails back', pair.fail_back ? `to ${pair.preferred}` : 'no'],
      ['Made', `${out.moment(pair.created_at)} by ${pair.created_by}`],
    ],
    out.paint,
  ),
  ...pair.nodes.flatMap((node) => ['', ...nodeCard(out, node)]),
];

const driverOf = ({ driver, hook, router_id }: HaPair): string => {
  if (driver === 'own') return 'own: the kernel takes the address away from whoever does not renew it';
  return driver === 'hook' ? `hook: ${hook}` : `keepalived, virtual router ${router_id}`;
};

const lastSwitch = (out: Output, { last_switch }: HaPair): string | null =>
  last_switch && `${out.moment(last_switch.at)}, ${last_switch.reason}, gap ${gap(last_switch.gap_ms)}`;

const nodeCard = (out: Output, node: HaNodeView): string[] =>
  facts(
    [
      ['Node', node.device],
      [
        'Role',
        node.role ?? (node.online ? 'not told yet' : 'offline'),
        node.role ? ROLES[node.role] : 'yellow',
      ],
      ['Hears other', node.other_heard === null ? null : node.other_heard ? 'yes' : 'no'],
      ['Heard at', node.endpoint],
      ['Behind', node.revision_behind ? `${node.revision_behind} changes` : null, 'yellow'],
      ['Clients known', node.endpoints],
      ['Stranger', node.stranger, 'red'],
      ['Error', node.error, 'red'],
    ],
    out.paint,
  );

export const haHistory = (out: Output, vpn: string): ListView<HaHistoryEntry> => ({
  columns: [
    { title: 'TIME', value: ({ at }) => out.time(at) },
    { title: 'REASON', value: ({ reason }) => reason, colour: ({ reason }) => WHY[reason] },
    { title: 'FROM', value: ({ from }) => from ?? '–' },
    { title: 'TO', value: ({ to }) => to },
    { title: 'GAP', value: ({ gap_ms }) => gap(gap_ms), align: 'right' },
    { title: 'CLIENTS', value: ({ clients }) => clients, align: 'right' },
    { title: 'BACK', value: ({ back }) => back, align: 'right' },
  ],
  name: ({ id }) => id,
  empty: `The address of ${vpn} has not changed hands.`,
});

export const haEvents = [
  'ha.changed',
  'ha.switched',
  'ha.flapping',
  'device.online',
  'device.offline',
] as const;
