/** What is wanted against what is observed: the steps between them, in an order that is never open in the middle. Pure. */
import { BorealisError } from '../protocol/errors.ts';
import { gatewayTable } from './gateway.ts';
import { ipLines } from './ip.ts';
import { digestOf, publicKeyOf } from './keys.ts';
import { renderTable, wantedTable } from './nft.ts';
import type { DeviceChange, PeerChange, Step } from './plan.ts';
import type {
  ObservedInterface,
  ObservedNetwork,
  ObservedPeer,
  WantedInterface,
  WantedNetwork,
  WantedPeer,
} from './types.ts';

const NOTHING: ObservedInterface = {
  driver: 'kernel',
  publicKey: null,
  listenPort: 0,
  peers: [],
  up: false,
  mtu: 0,
  addresses: [],
  routes: [],
};

/**
 * Empty where nothing is to be done. `wanted` has been checked (wanted.ts). First goes what is wanted no more, then the
 * firewall changes, then comes what is new: an address that changes hands is never reached under the old rules.
 * Errors: WG_INTERFACE_FOREIGN.
 */
export const diff = (wanted: WantedNetwork, observed: ObservedNetwork, table: string): Step[] => {
  const before: Step[] = [];
  const after: Step[] = [];
  for (const of of wanted.interfaces ?? []) {
    const { name } = of;
    const presence = observed.interfaces.get(name) ?? { state: 'absent' };
    if (presence.state === 'foreign') throw foreign(name, presence.why);
    if (presence.state === 'broken') before.push({ kind: 'remove-interface', name });

    const is = presence.state === 'present' ? presence.interface : NOTHING;
    if (presence.state !== 'present') after.push({ kind: 'create-interface', name });
    const { narrow, configure } = deviceChanges(of, is);
    if (narrow) before.push({ kind: 'narrow-device', name, change: narrow });
    if (configure) after.push({ kind: 'configure-device', name, change: configure });
    const lines = ipLines(of, is);
    if (lines.length > 0) after.push({ kind: 'configure-ip', name, lines });
  }
  return [...before, ...tableSteps(wanted, observed, table), ...after];
};

/** For an interface whose name somebody else has. */
const foreign = (name: string, why: string): BorealisError =>
  new BorealisError('WG_INTERFACE_FOREIGN', { detail: `${name} ${why}; it was left alone.` });

const tableSteps = ({ firewall }: WantedNetwork, { table }: ObservedNetwork, name: string): Step[] => {
  if (firewall === undefined) return [];
  if (firewall === null) return table === null ? [] : [{ kind: 'remove-table' }];
  const text = renderTable(name, 'pools' in firewall ? gatewayTable(firewall) : wantedTable(firewall));
  return text === table ? [] : [{ kind: 'replace-table', text }];
};

const deviceChanges = (
  wanted: WantedInterface,
  observed: ObservedInterface,
): { narrow: DeviceChange | undefined; configure: DeviceChange | undefined } => {
  const privateKey = observed.publicKey === publicKeyOf(wanted.privateKey) ? undefined : wanted.privateKey;
  const { listenPort: port } = wanted;
  const listenPort = port === undefined || port === observed.listenPort ? undefined : port;
  const { narrow, configure } = peerSteps(wanted.peers, observed.peers);
  return {
    narrow,
    configure:
      privateKey === undefined && listenPort === undefined && !configure
        ? undefined
        : { privateKey, listenPort, peers: configure?.peers ?? [] },
  };
};

/** Of an interface; undefined where there is nothing to do. */
export const peerSteps = (
  wanted: readonly WantedPeer[] | undefined,
  observed: readonly ObservedPeer[],
): { narrow: DeviceChange | undefined; configure: DeviceChange | undefined } => {
  const { remove, shrink, peers } = peerChanges(wanted, observed);
  return {
    narrow: remove.length + shrink.length === 0 ? undefined : { remove, peers: shrink },
    configure: peers.length === 0 ? undefined : { peers },
  };
};

const peerChanges = (wanted: readonly WantedPeer[] | undefined, observed: readonly ObservedPeer[]) => {
  const remove: string[] = [];
  const shrink: PeerChange[] = [];
  const peers: PeerChange[] = [];
  if (!wanted) return { remove, shrink, peers };

  const there = new Map(observed.map((peer) => [peer.publicKey, peer]));
  let stay = 0;
  for (const peer of wanted) {
    const is = there.get(peer.publicKey);
    if (is) stay += 1;
    if (is && loses(is, peer)) {
      const allowedIps = is.allowedIps.filter((cidr) => peer.allowedIps.includes(cidr));
      shrink.push({ publicKey: peer.publicKey, allowedIps });
      if (differs(peer, { ...is, allowedIps })) peers.push(peer);
    } else if (!is || differs(peer, is)) peers.push(peer);
  }
  if (stay < observed.length) {
    const keys = new Set(wanted.map(({ publicKey }) => publicKey));
    for (const { publicKey } of observed) if (!keys.has(publicKey)) remove.push(publicKey);
  }
  return { remove, shrink, peers };
};

const loses = (is: ObservedPeer, wanted: WantedPeer): boolean =>
  is.allowedIps.some((cidr) => !wanted.allowedIps.includes(cidr));

const differs = (wanted: WantedPeer, is: ObservedPeer): boolean =>
  (wanted.endpoint !== undefined && wanted.endpoint !== is.endpoint) ||
  (wanted.persistentKeepalive !== undefined && wanted.persistentKeepalive !== is.persistentKeepalive) ||
  (wanted.presharedKey !== undefined && digestOrNull(wanted.presharedKey) !== is.presharedKeyDigest) ||
  wanted.allowedIps.length !== is.allowedIps.length ||
  loses(is, wanted);

const digestOrNull = (key: string | null): string | null => (key === null ? null : digestOf(key));
