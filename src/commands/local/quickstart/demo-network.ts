/**
 * The network of the machine that quickstart makes for its agent: a namespace behind another one that is its router. The
 * router lets it out under its own address, and nobody in. Nothing else of this machine is changed but for one cable.
 */
import { hash } from 'node:crypto';

export interface DemoNames {
  /** Named network namespaces, ip-netns(8). */
  readonly device: string;
  readonly router: string;
  /** This machine's end of the cable to the router: the one interface that is seen outside. */
  readonly cable: string;
}

/** One for each directory of state, so that several can live on one machine. */
export const demoNames = (root: string): DemoNames => {
  const mark = hash('sha256', root).slice(0, 8);
  return { device: `borealis-demo-${mark}`, router: `borealis-router-${mark}`, cable: `bdemo${mark}` };
};

/** A /30 for the cable: this machine has the first address, the router the second. */
export interface CableNetwork {
  readonly own: string;
  readonly router: string;
}

/** RFC 2544: for tests of networks, routed by nobody. */
export const cableNetwork = (number: number): CableNetwork => ({
  own: `198.18.${number}.1`,
  router: `198.18.${number}.2`,
});
export const CABLE_NETWORKS = 256;

/** The first that none of these routes, of `ip -json -4 route show table all`, leads to. Undefined where all are taken. */
export const freeCableNetwork = (
  routes: readonly { readonly dst?: string | undefined }[],
): CableNetwork | undefined => {
  const taken = routes.flatMap(({ dst }) => (dst === undefined || dst === 'default' ? [] : [range(dst)]));
  for (let number = 0; number < CABLE_NETWORKS; number += 1) {
    const candidate = cableNetwork(number);
    const [first, last] = range(`198.18.${number}.0/30`);
    if (!taken.some(([low, high]) => low <= last && first <= high)) return candidate;
  }
  return undefined;
};

/** First and last address as numbers. */
const range = (cidr: string): [number, number] => {
  const [address = '', bits = '32'] = cidr.split('/');
  const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  const first = number - (number % size);
  return [first, first + size - 1];
};

const LAN = { device: '192.168.77.2', router: '192.168.77.1' };
const WAN = 'wan';

/** Lines for `ip -batch`, each in the network namespace named, null for this one. */
export const demoLinks = (
  { device, router, cable }: DemoNames,
  network: CableNetwork,
): readonly (readonly [string | null, readonly string[]])[] => [
  [
    null,
    [
      `link add ${cable} type veth peer name ${WAN} netns ${router}`,
      `address add ${network.own}/30 dev ${cable}`,
      `link set ${cable} up`,
    ],
  ],
  [
    router,
    [
      'link set lo up',
      `address add ${network.router}/30 dev ${WAN}`,
      `link set ${WAN} up`,
      `link add lan type veth peer name eth0 netns ${device}`,
      `address add ${LAN.router}/24 dev lan`,
      'link set lan up',
    ],
  ],
  [
    device,
    [
      'link set lo up',
      `address add ${LAN.device}/24 dev eth0`,
      'link set eth0 up',
      `route add default via ${LAN.router}`,
    ],
  ],
];

/** The router's, for `nft -f`: connections begin on the device's side only, and leave under the router's address. */
export const DEMO_NAT = `table ip router {
  chain out { type nat hook postrouting priority srcnat; oifname "${WAN}" masquerade; }
  chain through {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" oifname "${WAN}" accept
  }
  chain in { type filter hook input priority filter; iifname "${WAN}" ct state new drop; }
}
`;
