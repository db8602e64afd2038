/** Tunnels as operators see them. */
import type { Tunnel } from '../../protocol/tunnel.ts';
import type { ObservedPeer } from '../../wg/types.ts';
import type { DeviceTunnel } from './book.ts';
import type { Session } from './session.ts';

/** A WireGuard session is dead after this without a handshake (REJECT_AFTER_TIME, whitepaper §6.1), and some time for the next. */
const DEAD_MS = 200_000;

export interface Seen {
  readonly peer: ObservedPeer | undefined;
  /** UDP ports of this host at which relays send. */
  readonly relays: ReadonlySet<number>;
  readonly now: number;
  readonly idleMs: number;
}

export const presentSession = (session: Session, { peer, relays, now, idleMs }: Seen): Tunnel => {
  const idle = Math.max(0, now - session.usedAt);
  const handshake = peer?.lastHandshake ? peer.lastHandshake * 1000 : null;
  const relayed = peer?.endpoint != null && isRelay(peer.endpoint, relays);
  return {
    tunnel_id: session.tunnelId,
    device: session.name,
    guid: session.guid,
    virtual_ip: session.address === '' ? null : session.address,
    endpoint: relayed ? null : (peer?.endpoint ?? null),
    allowed_ports: [...session.ports],
    transport: handshake === null ? null : relayed ? 'relay' : 'udp',
    state: session.passing && handshake !== null && now - handshake < DEAD_MS ? 'up' : 'connecting',
    started_at: new Date(session.startedAt).toISOString(),
    operators: [...session.operators],
    idle_seconds: Math.floor(idle / 1000),
    idle_left: Math.max(0, Math.ceil((idleMs - idle) / 1000)),
    rx_bytes: peer?.receivedBytes ?? 0,
    tx_bytes: peer?.sentBytes ?? 0,
    last_handshake: handshake === null ? null : new Date(handshake).toISOString(),
  };
};

const isRelay = (endpoint: string, relays: ReadonlySet<number>): boolean => {
  const match = /^127\.0\.0\.1:(\d+)$/.exec(endpoint);
  return match !== null && relays.has(Number(match[1]));
};

export const presentNone = (
  device: { guid: string; name: string },
  { address, ports }: DeviceTunnel,
): Tunnel => ({
  tunnel_id: null,
  device: device.name,
  guid: device.guid,
  virtual_ip: address,
  endpoint: null,
  allowed_ports: [...ports],
  transport: null,
  state: 'down',
  started_at: null,
  operators: [],
  idle_seconds: 0,
  idle_left: 0,
  rx_bytes: 0,
  tx_bytes: 0,
  last_handshake: null,
});
