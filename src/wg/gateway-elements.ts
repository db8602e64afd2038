/** What the sets of a gateway's table hold: networks, and networks with ports. Pure. */
import { BorealisError } from '../protocol/errors.ts';
import { contains, type Network, parseNetwork, textOf } from './addresses.ts';
import { network as canonical } from './cidr.ts';
import type { Cidr, GatewayClient, GatewayFirewall, GatewayTarget } from './types.ts';

export const PORT_MAX = 65_535;

export type Family = 4 | 6;
export const FAMILIES: readonly Family[] = [4, 6];

export const setName = (interfaceName: string, label: string, family: Family): string =>
  `${interfaceName}_${label}${family}`;

/** What is in the table because of one client, by the set's name. Errors: INVALID_INPUT. */
export const clientElements = (
  interfaceName: string,
  { open, restricted }: Pick<GatewayClient, 'open' | 'restricted'>,
): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, readonly string[]>();
  for (const family of FAMILIES) {
    const { pairs, ports } = restrictedElements(restricted, family);
    const alone = open
      .map(read)
      .filter((one) => one.family === family)
      .map(elementOf);
    for (const [label, elements] of Object.entries({ open: alone, pair: pairs, port: ports }))
      if (elements.length > 0) found.set(setName(interfaceName, label, family), [...new Set(elements)]);
  }
  return found;
};

export const restrictedElements = (
  restricted: GatewayFirewall['restricted'],
  family: Family,
): { pairs: string[]; ports: string[] } => {
  const pairs: string[] = [];
  const ports: string[] = [];
  for (const { sources, targets } of restricted) {
    const found = targetElements(targets, family);
    for (const one of sources.map(read)) {
      if (one.family !== family) continue;
      pairs.push(...found.any.map((target) => `${elementOf(one)} . ${target}`));
      ports.push(...found.ports.map((target) => `${elementOf(one)} . ${target}`));
    }
  }
  return { pairs, ports };
};

export const read = (cidr: Cidr): Network => parseNetwork(canonical(cidr), 'the network');

const bitsOf = ({ family }: Network): number => (family === 4 ? 32 : 128);
export const isWide = (network: Network): boolean => network.length < bitsOf(network);
/** As nft lists it. */
export const elementOf = (network: Network): string => {
  const first = textOf(network.first, network.family);
  return isWide(network) ? `${first}/${network.length}` : first;
};

/** Without those that lie in another one: the kernel refuses elements that overlap. */
export const leastOf = (networks: readonly Network[]): Network[] => {
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
