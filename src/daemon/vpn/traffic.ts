/** What connections carry, as WireGuard counts it: kept across interfaces and engines, whose counters begin anew. Pure. */
import type { ObservedPeer } from '../../wg/types.ts';
import type { ConnectionRow } from './rows.ts';

export type Traffic = Pick<
  ConnectionRow,
  'last_handshake' | 'connected_since' | 'endpoint' | 'rx_bytes' | 'tx_bytes' | 'rx_seen' | 'tx_seen'
>;

/** Without a handshake for so long, nobody is there (WireGuard's REJECT_AFTER_TIME). */
const GONE_MS = 180_000;

export const isConnected = ({ last_handshake }: Traffic, now: number): boolean =>
  last_handshake !== null && now - last_handshake < GONE_MS;

/** `peer` is undefined where WireGuard does not have it now. */
export const nextTraffic = (before: Traffic, peer: ObservedPeer | undefined, now: number): Traffic => {
  const seen = peer ?? { receivedBytes: 0, sentBytes: 0, lastHandshake: null, endpoint: null };
  const handshake = seen.lastHandshake === null ? before.last_handshake : seen.lastHandshake * 1000;
  const after = {
    last_handshake: handshake,
    endpoint: seen.endpoint ?? before.endpoint,
    rx_bytes: before.rx_bytes + grown(before.rx_seen, seen.receivedBytes),
    tx_bytes: before.tx_bytes + grown(before.tx_seen, seen.sentBytes),
    rx_seen: seen.receivedBytes,
    tx_seen: seen.sentBytes,
  };
  const connected = peer !== undefined && isConnected({ ...before, last_handshake: handshake }, now);
  return { ...after, connected_since: connected ? (before.connected_since ?? handshake) : null };
};

const grown = (before: number, now: number): number => (now >= before ? now - before : now);
