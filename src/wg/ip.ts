/** Links, addresses and routes through ip(8): its JSON in, lines for `ip -batch -` out. Pure. */
import { z } from 'zod';
import { BorealisError } from '../protocol/errors.ts';
import { addressWithPrefix, network } from './cidr.ts';
import type { Cidr } from './types.ts';

/** rtm_protocol of our routes: says who made them. Not in iproute2's list of the known ones, rt_protos. */
export const ROUTE_PROTOCOL = 138;

export interface Link {
  /** `wireguard`, `tun`, …; empty for hardware. */
  readonly kind: string;
  /** Number, or the name that /etc/iproute2/group gives it. */
  readonly group: string;
  readonly up: boolean;
  readonly mtu: number;
  /** Without those of scope link. */
  readonly addresses: readonly Cidr[];
}

const links = z.array(
  // iproute2 prints `{}` for links that its filter passed over.
  z.looseObject({
    ifname: z.string().optional(),
    flags: z.array(z.string()).default([]),
    mtu: z.number().default(0),
    group: z.string().default('default'),
    linkinfo: z.looseObject({ info_kind: z.string().default('') }).optional(),
    addr_info: z
      .array(
        z.looseObject({
          local: z.string().optional(),
          prefixlen: z.number().default(0),
          scope: z.string().default(''),
        }),
      )
      .default([]),
  }),
);
const routes = z.array(z.looseObject({ dst: z.string().optional() }));

/** Of `ip -json -details address show dev NAME`; null where the link went while it was asked for. Errors: COMMAND_FAILED. */
export const parseLink = (name: string, json: string): Link | null => {
  const link = read(links, json).find(({ ifname }) => ifname === name);
  if (!link) return null;
  return {
    kind: link.linkinfo?.info_kind ?? '',
    group: link.group,
    up: link.flags.includes('UP'),
    mtu: link.mtu,
    addresses: link.addr_info
      .filter(({ scope, local }) => scope !== 'link' && local !== undefined)
      .map(({ local, prefixlen }) => addressWithPrefix(`${local}/${prefixlen}`))
      .sort(),
  };
};

/** Of `ip -4 -json route show …`, and `-6`. Errors: COMMAND_FAILED. */
export const parseRoutes = (json: string, family: 4 | 6): Cidr[] =>
  read(routes, json)
    .flatMap(({ dst }) => (dst === undefined ? [] : [dst === 'default' ? DEFAULT[family] : network(dst)]))
    .sort();

const DEFAULT = { 4: '0.0.0.0/0', 6: '::/0' } as const;

const read = <T>(schema: z.ZodType<T>, json: string): T => {
  try {
    // It prints nothing at all where there is nothing to list.
    return schema.parse(JSON.parse(json.trim() || '[]'));
  } catch (cause) {
    throw new BorealisError('COMMAND_FAILED', { detail: 'ip gave an answer that cannot be read.', cause });
  }
};

export interface IpState {
  readonly up: boolean;
  readonly mtu: number;
  readonly addresses: readonly Cidr[];
  readonly routes: readonly Cidr[];
}

export interface IpWanted {
  readonly name: string;
  readonly mtu?: number | undefined;
  readonly addresses?: readonly Cidr[] | undefined;
  readonly routes?: readonly Cidr[] | undefined;
}

/** From checked input (wanted.ts): nothing in a line needs quoting. */
export const ipLines = (wanted: IpWanted, observed: IpState): string[] => {
  const { name } = wanted;
  const addresses = changes(wanted.addresses, observed.addresses);
  const routes = changes(wanted.routes, observed.routes);
  return [
    ...(wanted.mtu === undefined || wanted.mtu === observed.mtu
      ? []
      : [`link set dev ${name} mtu ${wanted.mtu}`]),
    ...routes.gone.map((cidr) => `${route('del', cidr)} dev ${name} proto ${ROUTE_PROTOCOL}`),
    ...addresses.gone.map((cidr) => `address del ${cidr} dev ${name}`),
    ...addresses.missing.map(
      (cidr) => `address add ${cidr} dev ${name}${cidr.includes(':') ? ' nodad' : ''}`,
    ),
    ...(observed.up ? [] : [`link set dev ${name} up`]),
    // Not `replace`: where somebody else's route has the prefix, it stays, and we say so.
    ...routes.missing.map((cidr) => `${route('add', cidr)} dev ${name} proto ${ROUTE_PROTOCOL}`),
  ];
};

const route = (verb: 'add' | 'del', cidr: Cidr) => `route ${verb} ${cidr}`;

const changes = (wanted: readonly Cidr[] | undefined, observed: readonly Cidr[]) => ({
  gone: wanted ? observed.filter((cidr) => !wanted.includes(cidr)) : [],
  missing: wanted ? wanted.filter((cidr) => !observed.includes(cidr)) : [],
});
