/**
 * The firewall of an interface whose peers reach networks beyond this machine: which of them, at which ports, and
 * nothing else; in nftables. Every packet of a connection is held against what is allowed now, in both directions, so
 * that what is no longer allowed ends at once. Pure.
 */
import { BorealisError } from '../protocol/errors.ts';
import type { Network } from './addresses.ts';
import {
  elementOf,
  FAMILIES,
  type Family,
  isWide,
  leastOf,
  PORT_MAX,
  read,
  restrictedElements,
  setName,
} from './gateway-elements.ts';
import type { Table } from './nft.ts';
import type { GatewayFirewall } from './types.ts';
import { checkName } from './wanted.ts';

const RAW = -300;
const MANGLE = -150;
const FILTER = 0;
const SOURCE_NAT = 100;
/** IP and TCP without options (RFC 6691). */
const HEADERS = { 4: 40, 6: 60 } as const;

const IP = { 4: 'ip', 6: 'ip6' } as const;
const ADDRESS = { 4: 'ipv4_addr', 6: 'ipv6_addr' } as const;
const PROTOCOL_FAMILY = { 4: 'ipv4', 6: 'ipv6' } as const;
const ICMP = { 4: 'icmp', 6: 'icmpv6' } as const;

type NamedSet = Table['sets'][number];

/** From input of whatever spelling. Errors: INVALID_INPUT. */
export const gatewayTable = (of: GatewayFirewall): Table => {
  const name = checkName(of.name);
  const own = of.addresses.map(read);
  const pools = of.pools.map(read);
  const local = leastOf(of.local.map(read));
  const into = leastOf(of.sites.map(read));
  const sets: NamedSet[] = [];
  /** The set's name; undefined where it would be empty, and then whatever asks it is left out. */
  const set = (
    label: string,
    family: Family,
    parts: readonly string[],
    elements: readonly string[],
    interval = true,
  ) => {
    if (elements.length === 0) return undefined;
    const called = setName(name, label, family);
    sets.push({ name: called, type: parts.join(' . '), elements: [...new Set(elements)].sort(), interval });
    return called;
  };

  const forward = new Map(
    FAMILIES.map((family) => {
      const address = ADDRESS[family];
      const only = (networks: readonly Network[]) =>
        networks.filter((one) => one.family === family).map((one) => elementOf(one));
      const { pairs, ports } = restrictedElements(of.restricted, family);
      const open = of.open.map(read).filter((one) => one.family === family);
      const everywhere = only(leastOf([...local, ...into]));
      return [
        family,
        {
          open: set('open', family, [address], open.map(elementOf), open.some(isWide)),
          reach: set('reach', family, [address], open.length > 0 ? everywhere : []),
          pairs: set('pair', family, [address, address], pairs),
          ports: set('port', family, [address, address, 'inet_proto', 'inet_service'], ports),
          into: set('into', family, [address], only(into)),
          // Not the whole internet: that it is reached through us does not open our sites to it.
          local: set(
            'local',
            family,
            [address],
            into.some((one) => one.family === family) ? only(local.filter(({ length }) => length > 0)) : [],
          ),
        },
      ] as const;
    }),
  );

  const coming = FAMILIES.flatMap((family) => {
    const [ip, { open, reach, pairs, ports, into, local: near }] = [IP[family], forward.get(family)!];
    const from = `iifname "${name}"`;
    return [
      open && reach && `${from} ${ip} saddr @${open} ${ip} daddr @${reach} accept`,
      pairs && `${from} ${ip} saddr . ${ip} daddr @${pairs} accept`,
      ports && `${from} ${ip} saddr . ${ip} daddr . meta l4proto . th dport @${ports} accept`,
      into && near && `${from} ct direction reply ${ip} saddr @${into} ${ip} daddr @${near} accept`,
    ].filter((rule) => rule !== undefined);
  });
  const going = FAMILIES.flatMap((family) => {
    const [ip, { open, reach, pairs, ports, into, local: near }] = [IP[family], forward.get(family)!];
    const back = `oifname "${name}" ct direction reply`;
    return [
      open && reach && `${back} ${ip} daddr @${open} ${ip} saddr @${reach} accept`,
      pairs && `${back} ${ip} daddr . ${ip} saddr @${pairs} accept`,
      ports && `${back} ${ip} daddr . ${ip} saddr . meta l4proto . th sport @${ports} accept`,
      into &&
        near &&
        `oifname "${name}" ct direction original ${ip} saddr @${near} ${ip} daddr @${into} accept`,
    ].filter((rule) => rule !== undefined);
  });
  // ICMP errors about what passes: without "packet too big" a path with a small MTU hangs.
  const related = (way: 'iifname' | 'oifname') => `${way} "${name}" ct state related accept`;
  /** Whether the service lives: its own address answers a ping of whoever is connected. */
  const ping = (way: 'iifname' | 'oifname', side: 'daddr' | 'saddr', type: string) =>
    own.map((one) => {
      const { family } = one;
      return `${way} "${name}" ${ICMP[family]} type ${type} ${IP[family]} ${side} ${elementOf(one)} accept`;
    });
  const notFromElsewhere = (family: Family, match: string) =>
    `iifname != "${name}" ${IP[family]} ${match} fib saddr type != local drop`;
  const sources = [
    ...pools.map((pool) => [pool.family, elementOf(pool)] as const),
    ...FAMILIES.flatMap((family) => {
      const { into } = forward.get(family)!;
      return into ? [[family, `@${into}`] as const] : [];
    }),
  ];
  const clamp = (way: 'iifname' | 'oifname') =>
    FAMILIES.map(
      (family) =>
        `${way} "${name}" meta nfproto ${PROTOCOL_FAMILY[family]} tcp flags & (syn | rst) == syn ` +
        `tcp option maxseg size set ${of.mtu - HEADERS[family]}`,
    );

  const filter = (called: string, hook: string, priority: number, rules: readonly string[]) => ({
    name: called,
    type: 'filter' as const,
    hook,
    priority,
    policy: 'accept',
    rules,
  });
  const chains: Table['chains'] = [
    // What comes in by another way and says that it is of the tunnel, or for its address, is not from the tunnel.
    filter('prerouting', 'prerouting', RAW, [
      ...own.map((one) => notFromElsewhere(one.family, `daddr ${elementOf(one)}`)),
      ...sources.map(([family, source]) => notFromElsewhere(family, `saddr ${source}`)),
      ...heardAt(of.floating),
    ]),
    ...(of.floating ? [filter('floating', 'output', RAW, sentFrom(of.floating))] : []),
    // Where a router on the way keeps "packet too big" to itself, connections would hang. It only ever lowers.
    filter('mss', 'forward', MANGLE, [...clamp('iifname'), ...clamp('oifname')]),
    filter('forward', 'forward', FILTER, [
      related('iifname'),
      related('oifname'),
      ...coming,
      ...going,
      // A person waits for this one: an answer at once, where silence would hold until a time limit.
      `iifname "${name}" reject with icmpx admin-prohibited`,
      `oifname "${name}" drop`,
    ]),
    filter('input', 'input', FILTER, [
      related('iifname'),
      ...ping('iifname', 'daddr', 'echo-request'),
      ...coming,
      `iifname "${name}" drop`,
    ]),
    filter('output', 'output', FILTER, [
      related('oifname'),
      ...ping('oifname', 'saddr', 'echo-reply'),
      ...going,
      `oifname "${name}" reject with icmpx admin-prohibited`,
    ]),
    ...(of.masquerade
      ? [
          {
            name: 'postrouting',
            type: 'nat' as const,
            hook: 'postrouting',
            priority: SOURCE_NAT,
            policy: 'accept',
            rules: sources.map(
              ([family, source]) => `oifname != "${name}" ${IP[family]} saddr ${source} masquerade`,
            ),
          },
        ]
      : []),
  ];
  return { sets: sets.sort((a, b) => (a.name < b.name ? -1 : 1)), chains };
};

type Floating = NonNullable<GatewayFirewall['floating']>;

/** A client that is answered from another address goes on with that one, and would not follow the floating one. */
const heardAt = (floating: Floating | undefined): string[] => {
  if (!floating) return [];
  const { family, text } = addressOf(floating);
  const other = family === 4 ? 6 : 4;
  const toUs = `udp dport ${floating.port} fib daddr type local`;
  return [
    `${IP[family]} daddr != ${text} ${toUs} drop`,
    `meta nfproto ${PROTOCOL_FAMILY[other]} ${toUs} drop`,
  ];
};

/** What WireGuard begins by itself would come from whatever address the route has; a set address has no state to go stale. */
const sentFrom = (floating: Floating): string[] => {
  const { family, text } = addressOf(floating);
  const other = family === 4 ? 6 : 4;
  const ours = `udp sport ${floating.port}`;
  return [
    `${ours} ${IP[family]} saddr set ${text}`,
    `${ours} fib saddr type != local drop`,
    `meta nfproto ${PROTOCOL_FAMILY[other]} ${ours} drop`,
  ];
};

/** Errors: INVALID_INPUT. */
const addressOf = ({ address, port }: Floating) => {
  const network = read(address);
  if (isWide(network) || !Number.isInteger(port) || port < 1 || port > PORT_MAX)
    throw new BorealisError('INVALID_INPUT', { detail: `${address}:${port} is no address with a port.` });
  return { family: network.family, text: elementOf(network) };
};
