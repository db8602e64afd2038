/** The door of this room: what is wanted is checked and brought into the spelling in which it will be observed. */
import { BorealisError } from '../protocol/errors.ts';
import { addressWithPrefix, endpoint, ipv4, network } from './cidr.ts';
import { keyBytes } from './keys.ts';
import type {
  Allowance,
  FirewallInterface,
  OutgoingAllowance,
  WantedInterface,
  WantedNetwork,
  WantedPeer,
} from './types.ts';

/** IFNAMSIZ is 16 with its NUL. These letters need no quoting for ip(8) and nft(8). */
const NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,14}$/;
/** The least that IPv4 works with (RFC 791), and the most that a packet can have. */
const MTU = { min: 576, max: 65_535 } as const;

const invalid = (detail: string) => new BorealisError('INVALID_INPUT', { detail });

/** Errors: INVALID_INPUT; then nothing has been done. */
export const checkWanted = (wanted: WantedNetwork): WantedNetwork => {
  const interfaces = wanted.interfaces?.map(checkInterface);
  // A gateway's is brought into its spelling where its table is made (gateway.ts).
  const { firewall: given } = wanted;
  const firewall = given && !('pools' in given) ? given.map(checkFirewall) : given;
  once(interfaces?.map(({ name }) => name) ?? [], 'The interface');
  if (firewall && !('pools' in firewall))
    once(
      firewall.map(({ name }) => name),
      'The firewall of the interface',
    );
  return { interfaces, firewall };
};

/** An object that was checked before is not checked again: of a thousand peers one may be new. What is wanted is not changed. */
const onlyOnce = <T extends object>(check: (one: T) => T): ((one: T) => T) => {
  const checked = new WeakMap<T, T>();
  return (one) => {
    const before = checked.get(one);
    if (before) return before;
    const after = check(one);
    checked.set(one, after);
    return after;
  };
};

/** Errors: INVALID_INPUT. */
export const checkName = (name: string): string => {
  if (!NAME.test(name)) {
    throw invalid(
      `${JSON.stringify(name)} is no interface name: a letter, then letters, digits and _, 15 at most.`,
    );
  }
  return name;
};

const checkInterface = (wanted: WantedInterface): WantedInterface => {
  const { name, privateKey, listenPort, mtu, addresses, routes } = wanted;
  checkName(name);
  keyBytes(privateKey, 'private key');
  if (listenPort !== undefined) within(listenPort, 0, 65_535, `The port of ${name}`);
  if (mtu !== undefined) within(mtu, MTU.min, MTU.max, `The MTU of ${name}`);
  const peers = wanted.peers?.map(peerOnce);
  once(peers?.map(({ publicKey }) => publicKey) ?? [], `The peer of ${name}`);
  // WireGuard gives an address to the peer that asked last, so each apply would give it to another one.
  once(peers?.flatMap(({ allowedIps }) => allowedIps) ?? [], `Of the allowed IPs of ${name},`);
  return {
    name,
    privateKey,
    listenPort: listenPort || undefined,
    mtu,
    addresses: unique(addresses?.map(addressWithPrefix)),
    routes: unique(routes?.map(network)),
    peers,
  };
};

/** Errors: INVALID_INPUT. */
export const checkPeer = (peer: WantedPeer): WantedPeer => {
  keyBytes(peer.publicKey, 'public key');
  if (peer.presharedKey) keyBytes(peer.presharedKey, 'pre-shared key');
  if (peer.persistentKeepalive !== undefined)
    within(peer.persistentKeepalive, 0, 65_535, 'The keepalive of a peer');
  return {
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey,
    endpoint: peer.endpoint === undefined ? undefined : endpoint(peer.endpoint),
    persistentKeepalive: peer.persistentKeepalive,
    allowedIps: [...new Set(peer.allowedIps.map(network))].sort(),
  };
};

const peerOnce = onlyOnce(checkPeer);

const checkFirewall = ({ name, addresses, outgoing, incoming }: FirewallInterface): FirewallInterface => ({
  name: checkName(name),
  addresses: [...new Set(addresses.map(ipv4))].sort(),
  outgoing: checkOutgoing(name, outgoing),
  incoming: incoming.map(checkAllowance),
});

const checkAllowance = ({ address, protocol, port }: Allowance): Allowance => {
  within(port, 1, 65_535, 'An allowed port');
  if (protocol !== 'tcp' && protocol !== 'udp') throw invalid(`${String(protocol)} has no ports to allow.`);
  return { address: ipv4(address), protocol, port };
};

/** Errors: INVALID_INPUT, also where some ports of a protocol are for users and others for all: the table has one rule. */
const checkOutgoing = (name: string, outgoing: readonly OutgoingAllowance[]): OutgoingAllowance[] => {
  const checked = outgoing.map(outgoingOnce);
  const owned: { [protocol: string]: boolean } = {};
  for (const { protocol, uid } of checked) {
    owned[protocol] ??= uid !== undefined;
    if (owned[protocol] !== (uid !== undefined))
      throw invalid(`${name}: all of ${protocol} is for users that are named, or none of it.`);
  }
  return checked;
};

const outgoingOnce = onlyOnce((allowance: OutgoingAllowance): OutgoingAllowance => {
  if (allowance.uid !== undefined) within(allowance.uid, 0, 4_294_967_294, 'A user id');
  return { ...checkAllowance(allowance), ...(allowance.uid !== undefined && { uid: allowance.uid }) };
});

const within = (value: number, min: number, max: number, what: string): void => {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalid(`${what} is ${value}; it goes from ${min} to ${max}.`);
  }
};

const once = (names: readonly string[], what: string): void => {
  if (new Set(names).size === names.length) return;
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  throw invalid(`${what} ${twice} is given twice.`);
};

const unique = (texts: readonly string[] | undefined) => texts && [...new Set(texts)].sort();
