/**
 * From one wanted network to the next where the first was made a moment ago: what is there is taken to be that, for to look
 * at the peers and ports of a thousand takes far longer than to change those of one. Parts that are the same objects in both
 * are the same, and cost next to nothing. Pure.
 */
import { peerSteps } from './diff.ts';
import { wantedTable } from './nft.ts';
import type { DeviceChange, ElementChange } from './plan.ts';
import type {
  FirewallInterface,
  ObservedPeer,
  OutgoingAllowance,
  WantedInterface,
  WantedNetwork,
  WantedPeer,
} from './types.ts';

export interface DeviceStep {
  readonly name: string;
  readonly change: DeviceChange;
}

/** In the order of diff.ts; nothing at all where both are the same. */
export interface Since {
  readonly narrow: readonly DeviceStep[];
  readonly firewall: readonly ElementChange[];
  readonly configure: readonly DeviceStep[];
}

/**
 * Null where more changes than peers and ports, or what is there may have changed by itself: endpoints do. Both have been
 * checked (wanted.ts).
 */
export const since = (before: WantedNetwork, wanted: WantedNetwork): Since | null => {
  const firewall = firewallSince(before.firewall, wanted.firewall);
  const [from, to] = [before.interfaces ?? [], wanted.interfaces ?? []];
  if (firewall === null || !same(from.map(withoutPeers), to.map(withoutPeers))) return null;
  if (![...from, ...to].every(isPlain)) return null;
  const narrow: DeviceStep[] = [];
  const configure: DeviceStep[] = [];
  for (const [index, { name, peers }] of to.entries()) {
    const { gone, come } = apart(from[index]!.peers ?? [], peers ?? []);
    const steps = peerSteps(come, gone.map(asObserved));
    if (steps.narrow) narrow.push({ name, change: steps.narrow });
    if (steps.configure) configure.push({ name, change: steps.configure });
  }
  return { narrow, firewall, configure };
};

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
const withoutPeers = ({ peers: _, ...rest }: WantedInterface) => rest;

const isPlain = ({ peers }: WantedInterface): boolean =>
  peers?.every(({ endpoint, presharedKey }) => endpoint === undefined && presharedKey === undefined) ?? false;

/** What is in one of the two alone. */
const apart = <T>(before: readonly T[], wanted: readonly T[]): { gone: T[]; come: T[] } => {
  let alike = 0;
  while (alike < before.length && before[alike] === wanted[alike]) alike += 1;
  const [was, is] = [before.slice(alike), wanted.slice(alike)];
  const [had, has] = [new Set(was), new Set(is)];
  return { gone: was.filter((one) => !has.has(one)), come: is.filter((one) => !had.has(one)) };
};

/** What was not wanted is not known, and is nothing that anybody could want. */
const asObserved = ({ publicKey, allowedIps, persistentKeepalive = -1 }: WantedPeer): ObservedPeer => ({
  publicKey,
  allowedIps,
  persistentKeepalive,
  presharedKeyDigest: null,
  endpoint: null,
  lastHandshake: null,
  receivedBytes: 0,
  sentBytes: 0,
});

const firewallSince = (
  before: WantedNetwork['firewall'],
  wanted: WantedNetwork['firewall'],
): ElementChange[] | null => {
  if (before === undefined && wanted === undefined) return [];
  if (!before || !wanted || 'pools' in before || 'pools' in wanted) return null;
  if (!same(shape(before), shape(wanted))) return null;
  const addresses = wanted.map((of, index) => addressesOfChange(before[index]!, of));
  const only = (of: FirewallInterface, index: number) => onlyOf(of, addresses[index]!);
  const [from, to] = [wantedTable(before.map(only)).sets, wantedTable(wanted.map(only)).sets];
  return [...new Set([...from, ...to].map(({ name }) => name))].sort().flatMap((name) => {
    const [was, is] = [from.find((set) => set.name === name), to.find((set) => set.name === name)];
    const { gone, come } = apart(was?.elements ?? [], is?.elements ?? []);
    const { type } = (is ?? was)!;
    return gone.length + come.length === 0 ? [] : [{ set: name, type, gone, come }];
  });
};

/** A set without elements is not in the table, nor are its rules. */
const shape = (firewall: readonly FirewallInterface[]) => {
  const { sets, chains } = wantedTable(firewall.map(oneOfEach));
  return {
    names: firewall.map(({ name }) => name),
    chains,
    sets: sets.map(({ name, type }) => [name, type]),
  };
};

/** Whose ports they are, and which, changes nothing of the sets and rules that there are. */
const oneOfEach = (of: FirewallInterface): FirewallInterface => ({
  ...of,
  outgoing: kindsOf(of.outgoing),
  incoming: kindsOf(of.incoming),
});

const kindsOf = (list: readonly OutgoingAllowance[]): OutgoingAllowance[] => {
  const kinds: { [kind: string]: OutgoingAllowance } = {};
  for (const allowance of list) kinds[`${allowance.protocol} ${allowance.uid === undefined}`] ??= allowance;
  return Object.values(kinds);
};

/** Of whom anything is allowed in one of the two alone. */
const addressesOfChange = (before: FirewallInterface, wanted: FirewallInterface): ReadonlySet<string> => {
  const [out, into] = [apart(before.outgoing, wanted.outgoing), apart(before.incoming, wanted.incoming)];
  return new Set([...out.gone, ...out.come, ...into.gone, ...into.come].map(({ address }) => address));
};

/** Each element of a set names the peer that it is about. */
const onlyOf = (of: FirewallInterface, addresses: ReadonlySet<string>): FirewallInterface => ({
  ...of,
  outgoing: of.outgoing.filter(({ address }) => addresses.has(address)),
  incoming: of.incoming.filter(({ address }) => addresses.has(address)),
});
