/** Rows with all that a table demands; a test names what it is about. */

import type { Insertable } from 'kysely';
import type {
  ApprovalTable,
  DeviceContextTable,
  DeviceTable,
  EnrolmentCodeTable,
  EventTable,
  JobTable,
  JobTargetTable,
  RefreshTokenTable,
  ShellTable,
  TelemetryTable,
} from '../../src/store/schema.ts';

export const deviceRow = (
  row: Partial<DeviceTable> & { guid: string; name: string },
): Insertable<DeviceTable> => ({
  hostname: row.name,
  fingerprint: 'f'.repeat(64),
  os: 'linux',
  arch: 'x64',
  site: null,
  tags_json: '{}',
  state: 'active',
  agent_version: '0.1.0',
  address: null,
  token_version: 1,
  clock_offset_ms: null,
  enrolled_at: 0,
  last_seen_at: null,
  ...row,
});

export const contextRow = (guid: string, public_key: string): Insertable<DeviceContextTable> => ({
  guid,
  context: 'system',
  public_key,
  certificate_serial: public_key,
  certificate_not_before: 0,
  certificate_not_after: 4_102_444_800_000,
  enrolled_at: 0,
});

export const telemetryRow = (guid: string, at: number): TelemetryTable => ({
  guid,
  at,
  cpu_percent: 1,
  load_1m: null,
  memory_used_bytes: 1,
  memory_total_bytes: 2,
  swap_used_bytes: null,
  disk_used_bytes: null,
  disk_total_bytes: null,
  network_rx_bytes_per_s: null,
  network_tx_bytes_per_s: null,
  uptime_seconds: 1,
  processes: null,
});

export const eventRow = (id: number, at: number): EventTable => ({
  id,
  at,
  type: 'device.online',
  guid: null,
  device: null,
  message: 'x',
  data_json: '{}',
});

export const jobRow = (id: string, created_at: number, finished_at: number | null): JobTable => ({
  id,
  kind: 'command',
  title: 'uptime',
  work_json: '{}',
  context: 'system',
  actor: 'root',
  timeout_seconds: 45,
  created_at,
  expires_at: created_at + 3_600_000,
  finished_at,
  retry_of: null,
  state: finished_at === null ? 'running' : 'succeeded',
});

export const targetRow = (job_id: string, guid: string): Insertable<JobTargetTable> => ({
  job_id,
  guid,
  corr_id: `${job_id}-${guid}`,
  state: 'succeeded',
  stdout: '',
  stderr: '',
  truncated: 0,
  expires_at: 0,
});

export const codeRow = (id: string, created_at: number, expires_at: number): EnrolmentCodeTable => ({
  id,
  code_hash: `hash of ${id}`,
  expires_at,
  uses: 1,
  uses_left: 1,
  site: null,
  tags_json: '{}',
  auto_approve: 0,
  created_at,
  created_by: 'root',
  revoked_at: null,
});

export const approvalRow = (
  id: string,
  code_id: string,
  requested_at: number,
  expires_at: number,
): Insertable<ApprovalTable> => ({
  id,
  secret_hash: 'hash',
  code_id,
  public_key: `key of ${id}`,
  context: 'system',
  hostname: 'host',
  fingerprint: 'f'.repeat(64),
  os: 'linux',
  arch: 'x64',
  agent_version: '0.1.0',
  request_nonce: `nonce of ${id}`,
  state: 'denied',
  requested_at,
  expires_at,
});

export const refreshTokenRow = (
  token_hash: string,
  guid: string,
  expires_at: number,
): Insertable<RefreshTokenTable> => ({
  token_hash,
  family: token_hash,
  guid,
  context: 'system',
  issued_at: 0,
  expires_at,
});

export const shellRow = (
  row: Partial<ShellTable> & { id: string; guid: string },
): Insertable<ShellTable> & { id: string } => ({
  device: 'web1',
  account: 'root',
  started_by: 'root',
  started_at: 0,
  ended_at: null,
  state: 'ended',
  exit_code: null,
  cols: 80,
  rows: 24,
  recording: 'complete',
  record_input: 0,
  recorded_bytes: 0,
  duration_ms: 0,
  ...row,
});
