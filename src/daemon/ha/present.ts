/** Pairs and their history as operators see them. */
import { leaseOf } from '../../ha/voter.ts';
import type { HaHistoryEntry, HaNodeView, HaPair } from '../../protocol/ha.ts';
import type { Around, Pair } from './pair.ts';
import type { SwitchRow } from './rows.ts';

export const presentPair = (pair: Pair, around: Around): HaPair => {
  const { row, service, last } = pair;
  const verdict = pair.verdict(around);
  const holder = pair.holderOf(verdict);
  return {
    vpn: service.name,
    project: service.project,
    address: row.address,
    interface: row.interface,
    port: row.port,
    state: verdict.state,
    reason: verdict.reason,
    primary: pair.nameOf(row.primary_guid),
    standby: pair.nameOf(row.standby_guid),
    holder: holder === null ? null : pair.nameOf(holder),
    last_switch: last && { at: text(last.at), reason: last.reason, gap_ms: last.gap_ms },
    driver: row.driver,
    hook: row.hook,
    router_id: row.router_id,
    lease_seconds: row.lease_seconds,
    threshold: row.threshold,
    interval_ms: leaseOf(row.lease_seconds, row.threshold).renew,
    fail_back: row.fail_back === 1,
    preferred: pair.nameOf(row.home_guid),
    flapping: pair.isFlapping(around.wall),
    nodes: [row.primary_guid, row.standby_guid].map((guid) => presentNode(pair, guid, around)),
    created_at: text(row.created_at),
    created_by: row.created_by,
  };
};

const presentNode = (pair: Pair, guid: string, around: Around): HaNodeView => {
  const { name, online, behind, error, ha } = pair.nodeNow(guid, around);
  return {
    device: name,
    guid,
    role: ha?.role ?? null,
    online,
    revision_behind: behind,
    endpoint: pair.endpoints.get(guid) ?? null,
    other_heard: ha?.other_heard ?? null,
    endpoints: ha?.endpoints ?? 0,
    stranger: ha?.stranger ?? null,
    error,
  };
};

export const presentSwitch = (row: SwitchRow): HaHistoryEntry => ({
  id: row.id,
  at: text(row.at),
  reason: row.reason,
  from: row.from_name,
  to: row.to_name,
  gap_ms: row.gap_ms,
  clients: row.clients,
  back: row.back,
});

const text = (at: number): string => new Date(at).toISOString();
