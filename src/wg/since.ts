/**
 * From one wanted network to the next where the first was made a moment ago: what is there is taken to be that, for to look
 * at the peers and ports of a thousand takes far longer than to change those of one. Pure.
 */
import { diff } from './diff.ts';
import { publicKeyOf } from './keys.ts';
import { type Table, wantedTable } from './nft.ts';
import type { DeviceChange, ElementChange } from './plan.ts';
import type {
  ObservedInterface,
  ObservedNetwork,
  ObservedPeer,
  WantedInterface,
  WantedNetwork,
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
  if (firewall === null || !sameNames(before, wanted)) return null;
  if (![before, wanted].every(({ interfaces = [] }) => interfaces.every(isPlain))) return null;
  const narrow: DeviceStep[] = [];
  const configure: DeviceStep[] = [];
  for (const step of diff({ interfaces: wanted.interfaces }, asObserved(before), '')) {
    if (step.kind === 'narrow-device') narrow.push(step);
    else if (step.kind === 'configure-device' && isOfPeers(step.change)) configure.push(step);
    else return null;
  }
  return { narrow, firewall, configure };
};

const firewallSince = (
  before: WantedNetwork['firewall'],
  wanted: WantedNetwork['firewall'],
): ElementChange[] | null => {
  if (before === undefined && wanted === undefined) return [];
  if (!before || !wanted || 'pools' in before || 'pools' in wanted) return null;
  const [from, to] = [wantedTable(before), wantedTable(wanted)];
  if (JSON.stringify(shape(from)) !== JSON.stringify(shape(to))) return null;
  return to.sets.flatMap(({ name, type, elements }, index) => {
    const [was, is] = [new Set(from.sets[index]!.elements), new Set(elements)];
    const gone = from.sets[index]!.elements.filter((element) => !is.has(element));
    const come = elements.filter((element) => !was.has(element));
    return gone.length + come.length === 0 ? [] : [{ set: name, type, gone, come }];
  });
};

/** A set without elements is not in the table, nor are its rules. */
const shape = ({ sets, chains }: Table) => ({ chains, sets: sets.map(({ name, type }) => [name, type]) });

const sameNames = (before: WantedNetwork, wanted: WantedNetwork): boolean => {
  const names = ({ interfaces = [] }: WantedNetwork) => interfaces.map(({ name }) => name).join();
  return names(before) === names(wanted);
};

const isPlain = ({ peers }: WantedInterface): boolean =>
  peers?.every(({ endpoint, presharedKey }) => endpoint === undefined && presharedKey === undefined) ?? false;

const isOfPeers = ({ privateKey, listenPort }: DeviceChange): boolean =>
  privateKey === undefined && listenPort === undefined;

/** What was not wanted is not known, and is nothing that anybody could want. */
const asObserved = ({ interfaces = [] }: WantedNetwork): ObservedNetwork => ({
  interfaces: new Map(
    interfaces.map((of) => [of.name, { state: 'present', interface: interfaceAs(of) } as const]),
  ),
  table: undefined,
});

const interfaceAs = (of: WantedInterface): ObservedInterface => ({
  driver: 'wireguard-go',
  publicKey: publicKeyOf(of.privateKey),
  listenPort: of.listenPort ?? 0,
  up: true,
  mtu: of.mtu ?? 0,
  addresses: of.addresses ?? [],
  routes: of.routes ?? [],
  peers: (of.peers ?? []).map(
    ({ publicKey, allowedIps, persistentKeepalive = -1 }): ObservedPeer => ({
      publicKey,
      allowedIps,
      persistentKeepalive,
      presharedKeyDigest: null,
      endpoint: null,
      lastHandshake: null,
      receivedBytes: 0,
      sentBytes: 0,
    }),
  ),
});
