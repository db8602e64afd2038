/**
 * Our table in nftables: its text from what is allowed, and the same text from what nft(8) lists, so that
 * the two can be compared. Pure. Only packets of our interfaces and addresses match; the chains' policy leaves all others alone.
 */
import type { Allowance, FirewallInterface, OutgoingAllowance } from './types.ts';

export const FAMILY = 'inet';

/** The parts of a table that we use; rules and elements in canonical text. */
export interface Table {
  readonly sets: readonly {
    readonly name: string;
    readonly type: string;
    readonly elements: readonly string[];
    /** Elements may be networks and ranges. */
    readonly interval?: boolean;
  }[];
  readonly chains: readonly {
    readonly name: string;
    readonly type?: 'filter' | 'nat';
    readonly hook: string;
    readonly priority: number;
    readonly policy: string;
    readonly rules: readonly string[];
  }[];
}

/** Before connection tracking and routing, as `iptables -t raw` has it. */
const RAW = -300;
const FILTER = 0;
const PROTOCOLS = ['tcp', 'udp'] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** From checked input (wanted.ts). The same input in another order gives the same table. */
export const wantedTable = (firewall: readonly FirewallInterface[]): Table => {
  const interfaces = [...firewall].sort((a, b) => (a.name < b.name ? -1 : 1));
  const sets: AddressSet[] = [];
  const chain = (
    name: string,
    hook: string,
    priority: number,
    rules: (of: FirewallInterface) => readonly string[],
  ) => ({ name, hook, priority, policy: 'accept', rules: interfaces.flatMap(rules) });

  const lists = new Map(interfaces.map((of) => [of.name, allowedSets(of)]));
  for (const { incoming, outgoing, owned, peers } of lists.values())
    sets.push(...incoming, ...outgoing, ...owned, ...peers);
  const accept = (name: string, chainOf: 'input' | 'output'): string[] => {
    const [meta, peer] = chainOf === 'input' ? ['iifname', 'saddr'] : ['oifname', 'daddr'];
    const { incoming, outgoing, owned } = lists.get(name)!;
    const [opens, answers] = chainOf === 'input' ? [incoming, outgoing] : [outgoing, incoming];
    const ofUser = (protocol: Protocol) =>
      owned.find((set) => chainOf === 'output' && set.protocol === protocol);
    return [
      // ICMP errors about what passes: without "packet too big" a path with a small MTU hangs.
      `${meta} "${name}" ct state related accept`,
      // Whose a packet is, is asked once: what a closed socket still has to send is nobody's any more.
      ...opens.map(({ protocol, name: set }) => {
        const state = ofUser(protocol) ? 'ct state established ' : '';
        return `${meta} "${name}" ${state}ip ${peer} . ${protocol} dport @${set} accept`;
      }),
      ...(chainOf === 'output' ? owned : []).map(
        ({ protocol, name: set }) =>
          `${meta} "${name}" ct state new skuid . ip ${peer} . ${protocol} dport @${set} accept`,
      ),
      // Not all that is established: a port that is no longer allowed ends its live connections too.
      ...answers.map(
        (set) =>
          `${meta} "${name}" ct state established ip ${peer} . ${set.protocol} sport @${set.name} accept`,
      ),
    ];
  };

  const chains = [
    // What comes in by another way and says that it is for the tunnel's address, is not from the tunnel.
    chain('prerouting', 'prerouting', RAW, ({ name, addresses }) =>
      addresses.map((address) => `iifname != "${name}" ip daddr ${address} fib saddr type != local drop`),
    ),
    chain('input', 'input', FILTER, ({ name }) => [...accept(name, 'input'), `iifname "${name}" drop`]),
    chain('output', 'output', FILTER, ({ name, addresses }) => [
      // While the interface is lost they would leave in clear, by the default route. Silently: who waits is heard again soon.
      ...addresses.map((address) => `oifname != "${name}" ip saddr ${address} fib daddr type != local drop`),
      ...lists
        .get(name)!
        .peers.map((set) => `oifname != "${name}" ip daddr @${set.name} fib daddr type != local drop`),
      ...accept(name, 'output'),
      // A person waits for this one: an answer at once, where silence would hold until a time limit.
      `oifname "${name}" reject with icmpx admin-prohibited`,
    ]),
    // Between devices, and from and to every other network.
    chain('forward', 'forward', FILTER, ({ name }) => [`iifname "${name}" drop`, `oifname "${name}" drop`]),
  ];
  return {
    sets: sets
      .map(({ name, type, elements }) => ({ name, type, elements }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    chains,
  };
};

type AddressSet = Table['sets'][number];
type AllowedSet = AddressSet & { readonly protocol: Protocol };

interface AllowedSets {
  readonly incoming: AllowedSet[];
  readonly outgoing: AllowedSet[];
  /** Which user may open it; where there is one for a protocol, nothing of it is open to all. */
  readonly owned: AllowedSet[];
  /** Who is at the other ends. */
  readonly peers: AddressSet[];
}

/** None where nothing is allowed. */
const allowedSets = (of: FirewallInterface): AllowedSets => {
  const setsOf = (way: 'in' | 'out', list: readonly Allowance[]): AllowedSet[] =>
    PROTOCOLS.flatMap((protocol) => {
      const elements = list
        .filter((allowance) => allowance.protocol === protocol)
        .map(({ address, port }) => `${address} . ${port}`);
      if (elements.length === 0) return [];
      const name = `${of.name}_${way}_${protocol}`;
      return [{ name, protocol, type: 'ipv4_addr . inet_service', elements: [...new Set(elements)].sort() }];
    });
  const peers = [...new Set([...of.incoming, ...of.outgoing].map(({ address }) => address))].sort();
  return {
    incoming: setsOf('in', of.incoming),
    outgoing: setsOf('out', of.outgoing),
    owned: ownedSets(of),
    peers: peers.length > 0 ? [{ name: `${of.name}_peers`, type: 'ipv4_addr', elements: peers }] : [],
  };
};

const ownedSets = ({ name, outgoing }: FirewallInterface): AllowedSet[] =>
  PROTOCOLS.flatMap((protocol) => {
    const elements = outgoing
      .filter(
        (allowance): allowance is Owned => allowance.protocol === protocol && allowance.uid !== undefined,
      )
      .map(({ uid, address, port }) => `${uid} . ${address} . ${port}`);
    if (elements.length === 0) return [];
    const type = 'uid . ipv4_addr . inet_service';
    return [{ name: `${name}_of_${protocol}`, protocol, type, elements: [...new Set(elements)].sort() }];
  });
type Owned = OutgoingAllowance & { readonly uid: number };

/** The table's text: for nft, and for comparing. One block, so that a text cut short is a syntax error that changes nothing. */
export const renderTable = (table: string, { sets, chains }: Table): string => {
  const lines = [`table ${FAMILY} ${table} {`];
  for (const { name, type, elements, interval } of sets) {
    lines.push(`  set ${name} {`, `    type ${type}`, ...(interval ? ['    flags interval'] : []));
    lines.push(`    elements = { ${elements.join(', ')} }`, '  }');
  }
  for (const { name, type = 'filter', hook, priority, policy, rules } of chains) {
    lines.push(`  chain ${name} {`);
    lines.push(`    type ${type} hook ${hook} priority ${priority}; policy ${policy};`);
    lines.push(...rules.map((rule) => `    ${rule}`), '  }');
  }
  lines.push('}', '');
  return lines.join('\n');
};

/**
 * For `nft -f -`, which does all of it or nothing. The first line makes the table where there is none, so that the
 * second never fails: `destroy` is not known before nftables 1.0.8. Other tables are not named, so they stay.
 */
export const replaceTable = (table: string, text: string): string =>
  `table ${FAMILY} ${table} {}\ndelete table ${FAMILY} ${table}\n${text}`;
