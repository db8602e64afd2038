/**
 * The firewall of an interface whose peers reach networks beyond this machine: which of them, at which ports, and
 * nothing else; in nftables. Every packet of a connection is held against what is allowed now, in both directions, so
 * that what is no longer allowed ends at once. Pure.
 */
import { BorealisError } from '../protocol/errors.ts';
import { contains, type Network, parseNetwork, textOf } from './addresses.ts';
import { network as canonical } from './cidr.ts';
import type { Table } from './nft.ts';
import type { Cidr, GatewayFirewall, GatewayTarget } from './types.ts';
import { checkName } from './wanted.ts';

const RAW = -300;
const MANGLE = -150;
const FILTER = 0;
const SOURCE_NAT = 100;
const PORT_MAX = 65_535;
/** IP and TCP without options (RFC 6691). */
const HEADERS = { 4: 40, 6: 60 } as const;

type Family = 4 | 6;
const FAMILIES: readonly Family[] = [4, 6];
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
    const called = `${name}_${label}${family}`;
    sets.push({ name: called, type: parts.join(' . '), elements: [...new Set(elements)].sort(), interval });
    return called;
  };

  const forward = new Map(
    FAMILIES.map((family) => {
      const address = ADDRESS[family];
      const only = (networks: readonly Network[]) =>
        networks.filter((one) => one.family === family).map((one) => elementOf(one));
      const restricted = of.restricted.map(({ sources, targets }) => ({
        sources: sources.map(read).filter((one) => one.family === family),
        targets,
      }));
      const pairs: string[] = [];
      const ports: string[] = [];
      for (const { sources, targets } of restricted) {
        const found = targetElements(targets, family);
        for (const source of sources.map(elementOf)) {
          pairs.push(...found.any.map((target) => `${source} . ${target}`));
          ports.push(...found.ports.map((target) => `${source} . ${target}`));
        }
      }
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

const read = (cidr: Cidr): Network => parseNetwork(canonical(cidr), 'the network');

const bitsOf = ({ family }: Network): number => (family === 4 ? 32 : 128);
const isWide = (network: Network): boolean => network.length < bitsOf(network);
/** As nft lists it. */
const elementOf = (network: Network): string => {
  const first = textOf(network.first, network.family);
  return isWide(network) ? `${first}/${network.length}` : first;
};

/** Without those that lie in another one: the kernel refuses elements that overlap. */
const leastOf = (networks: readonly Network[]): Network[] => {
  const least: Network[] = [];
  for (const one of [...networks].sort((a, b) => a.length - b.length))
    if (!least.some((other) => contains(other, one))) least.push(one);
  return least;
};

type Ports = readonly (readonly [from: number, to: number])[];

/**
 * `any`: networks, whatever the protocol. `ports`: `NETWORK . PROTOCOL . PORTS`. No two elements overlap: a network
 * within another one has only the ports that the wider one has not.
 */
const targetElements = (
  targets: readonly GatewayTarget[],
  family: Family,
): { any: string[]; ports: string[] } => {
  const all = targets
    .map((target) => ({ ...target, to: read(target.network) }))
    .filter(({ to }) => to.family === family);
  const any = leastOf(all.filter(({ protocol }) => protocol === null).map(({ to }) => to));
  const ports: string[] = [];
  for (const protocol of ['tcp', 'udp'] as const) {
    const rules = all.filter((target) => target.protocol === protocol);
    const networks = [...new Map(rules.map(({ to }) => [elementOf(to), to])).values()];
    for (const to of networks) {
      const own = rules.filter((rule) => elementOf(rule.to) === elementOf(to)).map(rangeOf);
      const wider = rules.filter((rule) => rule.to.length < to.length && contains(rule.to, to)).map(rangeOf);
      for (const [from, until] of without(union(own), union(wider)))
        ports.push(`${elementOf(to)} . ${protocol} . ${from === until ? from : `${from}-${until}`}`);
    }
  }
  return { any: any.map(elementOf), ports };
};

const rangeOf = ({ ports }: GatewayTarget): readonly [number, number] => {
  const { from, to } = ports ?? { from: 0, to: PORT_MAX };
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || from > to || to > PORT_MAX)
    throw new BorealisError('INVALID_INPUT', { detail: `${from}-${to} are no ports.` });
  return [from, to];
};

const union = (ranges: Ports): Ports => {
  const joined: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
};

const without = (ranges: Ports, gone: Ports): Ports =>
  gone.reduce<Ports>(
    (left, [from, to]) =>
      left.flatMap((range): Ports => {
        if (to < range[0] || from > range[1]) return [range];
        const parts: [number, number][] = [];
        if (range[0] < from) parts.push([range[0], from - 1]);
        if (range[1] > to) parts.push([to + 1, range[1]]);
        return parts;
      }),
    ranges,
  );
