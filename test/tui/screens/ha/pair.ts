/** A pair as the engine tells it. */
import type { HaHistoryEntry, HaNodeView, HaPair } from '../../../../src/protocol/ha.ts';

export const NOW = Date.parse('2026-03-01T12:00:00.000Z');
export const ago = (ms: number): string => new Date(NOW - ms).toISOString();

export const node = (device: string, rest: Partial<HaNodeView> = {}): HaNodeView => ({
  device,
  guid: `00000000-0000-4000-8000-${device.padStart(12, '0').replaceAll(/[^0-9a-f]/g, 'a')}`,
  role: 'standby',
  online: true,
  revision_behind: 0,
  endpoint: '192.0.2.2:47002',
  other_heard: true,
  endpoints: 12,
  stranger: null,
  error: null,
  ...rest,
});

export const pair = (rest: Partial<HaPair> = {}): HaPair => ({
  vpn: 'office',
  project: 'default',
  address: '192.0.2.10/24',
  interface: null,
  port: 47_002,
  state: 'ok',
  reason: 'north has the address; south can take it at once.',
  primary: 'north',
  standby: 'south',
  holder: 'north',
  last_switch: { at: ago(240_000), reason: 'lost', gap_ms: 1_840 },
  driver: 'own',
  hook: null,
  router_id: 51,
  lease_seconds: 2,
  threshold: 4,
  interval_ms: 500,
  fail_back: false,
  preferred: 'north',
  flapping: false,
  nodes: [node('north', { role: 'holder' }), node('south')],
  created_at: ago(86_400_000),
  created_by: 'root',
  ...rest,
});

export const HISTORY: HaHistoryEntry[] = [
  {
    id: 'c',
    at: ago(240_000),
    reason: 'lost',
    from: 'south',
    to: 'north',
    gap_ms: 1_840,
    clients: 12,
    back: 11,
  },
  {
    id: 'b',
    at: ago(3_600_000),
    reason: 'planned',
    from: 'north',
    to: 'south',
    gap_ms: 64,
    clients: 12,
    back: 12,
  },
  {
    id: 'a',
    at: ago(86_000_000),
    reason: 'first',
    from: null,
    to: 'north',
    gap_ms: null,
    clients: 0,
    back: 0,
  },
];
