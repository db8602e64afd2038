/**
 * The cross-platform userspace configuration protocol of WireGuard (https://www.wireguard.com/xplatform/): lines
 * `key=value` over a Unix socket, keys in hex. Pure: text in, values out.
 */
import { BorealisError } from '../protocol/errors.ts';
import { digestOf, keyBytes, publicKeyOf } from './keys.ts';
import type { DeviceChange } from './plan.ts';
import type { Key, ObservedDevice, ObservedPeer } from './types.ts';

export const GET = 'get=1\n\n';
/** A change of nothing: whoever answers it lives. */
export const NOTHING = 'set=1\n\n';
/** EADDRINUSE: the port of `listen_port` is another's. */
export const PORT_IN_USE = -98;

const NO_KEY = '0'.repeat(64);

/** A `set=1` request: what is not named stays as it is, in one call for all peers. */
export const renderSet = (change: DeviceChange): string => {
  const lines = ['set=1'];
  if (change.privateKey !== undefined) lines.push(`private_key=${hex(change.privateKey)}`);
  if (change.listenPort !== undefined) lines.push(`listen_port=${change.listenPort}`);
  for (const publicKey of change.remove ?? []) lines.push(`public_key=${hex(publicKey)}`, 'remove=true');
  for (const peer of change.peers ?? []) {
    lines.push(`public_key=${hex(peer.publicKey)}`);
    if (peer.presharedKey !== undefined) {
      lines.push(`preshared_key=${peer.presharedKey === null ? NO_KEY : hex(peer.presharedKey)}`);
    }
    if (peer.endpoint !== undefined) lines.push(`endpoint=${peer.endpoint}`);
    if (peer.persistentKeepalive !== undefined) {
      lines.push(`persistent_keepalive_interval=${peer.persistentKeepalive}`);
    }
    if (peer.allowedIps !== undefined) {
      lines.push('replace_allowed_ips=true', ...peer.allowedIps.map((cidr) => `allowed_ip=${cidr}`));
    }
  }
  return `${lines.join('\n')}\n\n`;
};

/** The number at the end of each answer; 0 is success, else a negative errno(3). Errors: COMMAND_FAILED. */
export const parseErrno = (answer: string): number => {
  const errno = /(?:^|\n)errno=(-?\d{1,5})\n\n$/.exec(answer)?.[1];
  if (errno === undefined) throw broken('it does not end with errno=');
  return Number(errno);
};

type MutablePeer = { -readonly [K in keyof ObservedPeer]: ObservedPeer[K] } & { allowedIps: string[] };

/** The answer to `get=1`. Keys that newer versions add are passed over. Errors: COMMAND_FAILED. */
export const parseGet = (answer: string): ObservedDevice => {
  const errno = parseErrno(answer);
  if (errno !== 0) throw broken(`errno=${errno}`);
  let publicKey: Key | null = null;
  let listenPort = 0;
  const peers: MutablePeer[] = [];

  for (const line of answer.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0) continue; // the empty lines at the end
    const name = line.slice(0, equals);
    const value = line.slice(equals + 1);
    if (name === 'private_key') publicKey = value === NO_KEY ? null : publicKeyOf(base64(value));
    else if (name === 'listen_port') listenPort = natural(value);
    else if (name === 'public_key') peers.push(emptyPeer(base64(value)));
    else if (PEER_FIELDS.has(name)) {
      const peer = peers.at(-1);
      if (!peer) throw broken(`${name} comes before the first public_key`);
      readPeerField(peer, name, value);
    }
  }
  return { publicKey, listenPort, peers };
};

const PEER_FIELDS = new Set([
  'preshared_key',
  'endpoint',
  'last_handshake_time_sec',
  'rx_bytes',
  'tx_bytes',
  'persistent_keepalive_interval',
  'allowed_ip',
]);

const readPeerField = (peer: MutablePeer, name: string, value: string): void => {
  if (name === 'preshared_key') {
    peer.presharedKeyDigest = value === NO_KEY ? null : digestOf(base64(value));
  } else if (name === 'endpoint') peer.endpoint = value;
  else if (name === 'last_handshake_time_sec') peer.lastHandshake = natural(value) || null;
  else if (name === 'rx_bytes') peer.receivedBytes = natural(value);
  else if (name === 'tx_bytes') peer.sentBytes = natural(value);
  else if (name === 'persistent_keepalive_interval') peer.persistentKeepalive = natural(value);
  else peer.allowedIps.push(value);
};

const emptyPeer = (publicKey: Key): MutablePeer => ({
  publicKey,
  presharedKeyDigest: null,
  endpoint: null,
  lastHandshake: null,
  receivedBytes: 0,
  sentBytes: 0,
  persistentKeepalive: 0,
  allowedIps: [],
});

const hex = (key: Key): string => keyBytes(key).toString('hex');

const base64 = (value: string): Key => {
  if (!/^[0-9a-f]{64}$/.test(value)) throw broken('a key is not 32 bytes in hex');
  return Buffer.from(value, 'hex').toString('base64');
};

const natural = (value: string): number => {
  if (!/^\d{1,16}$/.test(value)) throw broken('a number is not one');
  return Number(value);
};

const broken = (why: string): BorealisError =>
  new BorealisError('COMMAND_FAILED', { detail: `wireguard-go gave an answer that cannot be read: ${why}.` });
