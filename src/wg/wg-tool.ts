/** What wg(8) reads and prints, for WireGuard in the kernel. Pure: text in, values out. */
import { BorealisError } from '../protocol/errors.ts';
import { digestOf } from './keys.ts';
import type { DeviceChange } from './plan.ts';
import type { Key, ObservedDevice, ObservedPeer } from './types.ts';

const NO_KEY: Key = `${'A'.repeat(43)}=`;

/**
 * For `wg addconf NAME /dev/stdin`, which adds to what is there; a peer's allowed IPs are replaced as a whole
 * whenever the peer is named, so they are always given. What goes away is not said here, but by `wg set … remove`.
 */
export const renderConf = (change: DeviceChange): string => {
  const lines: string[] = [];
  if (change.privateKey !== undefined || change.listenPort !== undefined) {
    lines.push('[Interface]');
    if (change.privateKey !== undefined) lines.push(`PrivateKey = ${change.privateKey}`);
    if (change.listenPort !== undefined) lines.push(`ListenPort = ${change.listenPort}`);
  }
  for (const peer of change.peers ?? []) {
    lines.push('[Peer]', `PublicKey = ${peer.publicKey}`);
    if (peer.presharedKey !== undefined) lines.push(`PresharedKey = ${peer.presharedKey ?? NO_KEY}`);
    if (peer.endpoint !== undefined) lines.push(`Endpoint = ${peer.endpoint}`);
    if (peer.persistentKeepalive !== undefined) {
      lines.push(`PersistentKeepalive = ${peer.persistentKeepalive || 'off'}`);
    }
    if (peer.allowedIps.length > 0) lines.push(`AllowedIPs = ${peer.allowedIps.join(', ')}`);
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
};

/** `wg show NAME dump`: tab-separated, the interface first, then a line for each peer. Errors: COMMAND_FAILED. */
export const parseDump = (dump: string): ObservedDevice => {
  const [first = '', ...rest] = dump.split('\n').filter((line) => line !== '');
  const [privateKey, publicKey, port] = fields(first, 4);
  return {
    publicKey: privateKey === '(none)' ? null : publicKey!,
    listenPort: number(port!),
    peers: rest.map(parsePeer),
  };
};

const parsePeer = (line: string): ObservedPeer => {
  const [publicKey, preshared, endpoint, allowed, handshake, received, sent, keepalive] = fields(line, 8);
  return {
    publicKey: publicKey!,
    presharedKeyDigest: preshared === '(none)' ? null : digestOf(preshared!),
    endpoint: endpoint === '(none)' ? null : endpoint!,
    lastHandshake: number(handshake!) || null,
    receivedBytes: number(received!),
    sentBytes: number(sent!),
    persistentKeepalive: keepalive === 'off' ? 0 : number(keepalive!),
    allowedIps: allowed === '(none)' ? [] : allowed!.split(','),
  };
};

const fields = (line: string, count: number): string[] => {
  const found = line.split('\t');
  // The line itself may hold a key, so it is not shown.
  if (found.length !== count) throw unreadable(`a line has ${found.length} fields instead of ${count}`);
  return found;
};

const number = (text: string): number => {
  if (!/^\d{1,16}$/.test(text)) throw unreadable('a number is not one');
  return Number(text);
};

const unreadable = (why: string): BorealisError =>
  new BorealisError('COMMAND_FAILED', { detail: `wg show gave an answer that cannot be read: ${why}.` });
