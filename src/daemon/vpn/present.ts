/** Services and connections as operators see them. */
import type { Connection, VpnService } from '../../protocol/vpn.ts';
import type { VpnEnd } from './end.ts';
import { type Left, leftText } from './leaving.ts';
import { addressesOf } from './pool.ts';
import { type ConnectionRow, list, type ServiceRow } from './rows.ts';
import { isConnected, type Traffic } from './traffic.ts';

export const presentService = (
  row: ServiceRow,
  end: Pick<VpnEnd, 'failure' | 'waiting' | 'node'> | undefined,
  connections: number,
  left: readonly Left[],
): VpnService => ({
  id: row.id,
  name: row.name,
  project: row.project,
  labels: JSON.parse(row.labels_json) as VpnService['labels'],
  endpoint: row.endpoint,
  pool: row.pool,
  pool6: row.pool6,
  dns: list(row.dns_json),
  local_subnets: list(row.local_subnets_json),
  masquerade: row.masquerade === 1,
  mtu: row.mtu,
  public_key: row.public_key,
  listen_port: row.listen_port,
  interface: row.interface,
  phase: end?.failure ? 'failed' : end?.waiting || left.length > 0 ? 'waiting' : 'up',
  reason: end?.failure?.message ?? ([end?.waiting, leftText(left)].filter(Boolean).join(' ') || null),
  node: end?.node ?? row.node,
  connections,
  created_at: text(row.created_at),
});

export const presentConnection = (
  service: ServiceRow,
  row: ConnectionRow,
  traffic: Traffic,
  now: number,
): Connection => {
  const { four, six } = addressesOf(service, row.number);
  const sites = list(row.site_subnets_json);
  return {
    id: row.id,
    name: row.name,
    vpn: service.name,
    kind: sites.length > 0 ? 'site' : 'client',
    public_key: row.public_key,
    address: four,
    address6: six,
    site_subnets: sites,
    allow: list(row.allow_json),
    preshared_key: row.preshared_key !== null,
    status: statusOf(row, traffic, now),
    expires_at: textOrNull(row.expires_at),
    last_handshake: textOrNull(traffic.last_handshake),
    connected_since: textOrNull(traffic.connected_since),
    rx_bytes: traffic.rx_bytes,
    tx_bytes: traffic.tx_bytes,
    endpoint: traffic.endpoint,
    created_at: text(row.created_at),
    created_by: row.created_by,
  };
};

const statusOf = (row: ConnectionRow, traffic: Traffic, now: number): Connection['status'] => {
  if (row.disabled_at !== null) return 'disabled';
  if (row.expired_at !== null || (row.expires_at !== null && row.expires_at <= now)) return 'expired';
  if (traffic.last_handshake === null) return 'new';
  return isConnected(traffic, now) ? 'connected' : 'idle';
};

const text = (at: number): string => new Date(at).toISOString();
const textOrNull = (at: number | null): string | null => (at === null ? null : text(at));
