/**
 * The tables, as types for Kysely. Times are integers, milliseconds since 1970 UTC; switches are 0 or 1; columns
 * ending in `_json` hold JSON text; hashes are base64url or hex text. Both SQLite and PostgreSQL can hold these.
 */
import type { HaDriver, SwitchReason } from '../protocol/bastion.ts';
import type { AgentContext, Role } from '../protocol/scalars.ts';

export interface DeviceTable {
  guid: string;
  name: string;
  hostname: string;
  fingerprint: string;
  os: string;
  arch: string;
  site: string | null;
  tags_json: string;
  /** What operators decided; whether it is online is not stored but known from its channel. */
  state: 'active' | 'quarantined' | 'revoked';
  agent_version: string;
  address: string | null;
  /** Access tokens that carry another number are refused: raising it withdraws them all at once. */
  token_version: number;
  clock_offset_ms: number | null;
  enrolled_at: number;
  revoked_at: number | null;
  last_seen_at: number | null;
}

export interface DeviceContextTable {
  guid: string;
  context: AgentContext;
  /** Ed25519, base64url. */
  public_key: string;
  certificate_serial: string;
  /** The one before, good until its successor was seen or it expires: an agent may lose the answer to a renewal. */
  previous_serial: string | null;
  certificate_not_before: number;
  certificate_not_after: number;
  enrolled_at: number;
}

export interface DeviceTagTable {
  guid: string;
  key: string;
  value: string;
}

export interface InventoryTable {
  guid: string;
  collected_at: number;
  document_json: string;
}

export interface TelemetryTable {
  guid: string;
  at: number;
  cpu_percent: number;
  load_1m: number | null;
  memory_used_bytes: number;
  memory_total_bytes: number;
  swap_used_bytes: number | null;
  disk_used_bytes: number | null;
  disk_total_bytes: number | null;
  network_rx_bytes_per_s: number | null;
  network_tx_bytes_per_s: number | null;
  uptime_seconds: number;
  processes: number | null;
}

export interface EnrolmentCodeTable {
  id: string;
  code_hash: string;
  expires_at: number;
  uses: number;
  uses_left: number;
  site: string | null;
  tags_json: string;
  auto_approve: number;
  created_at: number;
  created_by: string;
  revoked_at: number | null;
}

export interface ApprovalTable {
  id: string;
  secret_hash: string;
  code_id: string;
  public_key: string;
  context: AgentContext;
  hostname: string;
  fingerprint: string;
  os: string;
  arch: string;
  agent_version: string;
  address: string | null;
  request_nonce: string;
  state: 'waiting' | 'approved' | 'denied' | 'expired' | 'completed';
  requested_at: number;
  expires_at: number;
  decided_at: number | null;
  decided_by: string | null;
  reason: string | null;
  resolution: 'new' | 'merge' | 'overwrite' | 'context' | null;
  /** GUID of the device that it becomes or became. */
  guid: string | null;
  name: string | null;
}

export interface RefreshTokenTable {
  token_hash: string;
  family: string;
  guid: string;
  context: AgentContext;
  issued_at: number;
  expires_at: number;
  /** When it was exchanged for its successor. */
  used_at: number | null;
  successor_hash: string | null;
  revoked_at: number | null;
}

export interface ScriptTable {
  name: string;
  language: string;
  sha256: string;
  size: number;
  body: string;
  description: string | null;
  signature: string;
  added_by: string;
  added_at: number;
}

export interface JobTable {
  id: string;
  kind: 'command' | 'script' | 'verb';
  title: string;
  /** What was asked for, as protocol/job.ts `work`; a script's body is taken from here, not looked up again. */
  work_json: string;
  context: AgentContext;
  actor: string;
  timeout_seconds: number;
  created_at: number;
  expires_at: number;
  finished_at: number | null;
  retry_of: string | null;
  state: string;
}

export interface JobTargetTable {
  job_id: string;
  guid: string;
  corr_id: string;
  state: string;
  exit_code: number | null;
  error_code: string | null;
  error: string | null;
  stdout: string;
  stderr: string;
  truncated: number;
  value_json: string | null;
  duration_ms: number | null;
  /** When the engine gives up waiting: the job's own while it is queued, later once the device has taken it. */
  expires_at: number;
  /** When the device took it. */
  sent_at: number | null;
  /** When nothing more is awaited from the device. */
  finished_at: number | null;
  /** When an operator asked for its end. */
  cancel_at: number | null;
  /** The agent's signed result, whole, as evidence. */
  result_jws: string | null;
}

/** How many targets of a job are in each state; kept in the transactions that change them. */
export interface JobCountTable {
  job_id: string;
  state: string;
  count: number;
}

export interface ShellTable {
  id: string;
  /** It may outlive the device: what happened there stays on record. */
  guid: string;
  /** Name of the device when the shell began. */
  device: string;
  /** The account on the device; empty until the agent has said it. */
  account: string;
  started_by: string;
  started_at: number;
  ended_at: number | null;
  /** `starting` until the agent has answered. */
  state: 'starting' | 'running' | 'ended';
  exit_code: number | null;
  cols: number;
  rows: number;
  recording: 'none' | 'recording' | 'complete' | 'cut_off';
  record_input: number;
  /** Bytes of asciicast and milliseconds, once it has ended. */
  recorded_bytes: number;
  duration_ms: number;
}

export interface EventTable {
  id: number;
  at: number;
  type: string;
  guid: string | null;
  device: string | null;
  message: string;
  data_json: string;
}

export interface AuditTable {
  seq: number;
  at: number;
  actor: string;
  action: string;
  target: string | null;
  result: string;
  detail_json: string;
  previous: string;
  hash: string;
}

export interface UserGrantTable {
  who: string;
  /** Empty for the whole engine. */
  project: string;
  role: Role;
  granted_by: string;
  granted_at: number;
}

/** Keys, sealed under the master key, which is kept apart from the store. */
export interface SecretTable {
  name: string;
  sealed: Buffer;
  updated_at: number;
}

/** Small facts of the engine itself: counters that must not go back, the head of the audit chain. */
export interface EngineFactTable {
  name: string;
  value: string;
}

export interface TunnelDeviceTable {
  guid: string;
  /** IPv4 as a number; the device's for its life. Null before its first tunnel. */
  address: number | null;
  /** `22/tcp` and the like; null: the default. */
  ports_json: string | null;
}

/** An open tunnel, so that an engine that was killed takes it up again. */
export interface TunnelSessionTable {
  guid: string;
  tunnel_id: string;
  /** The device's, of WireGuard. */
  public_key: string;
  operators_json: string;
  started_at: number;
  used_at: number;
}

export interface VpnServiceTable {
  id: string;
  name: string;
  project: string;
  labels_json: string;
  /** HOST:PORT as clients are told it. */
  endpoint: string;
  pool: string;
  pool6: string | null;
  dns_json: string;
  local_subnets_json: string;
  masquerade: number;
  mtu: number;
  listen_port: number;
  interface: string;
  /** The private one is a secret of its own. */
  public_key: string;
  /** The highest number of an address that was given in turn; the service's own is 1. */
  given: number;
  created_at: number;
  created_by: string;
  /** Where it runs: `engine`, or the GUID of a device. A pair has its own nodes (ha_pair). */
  node: string;
  /** Of what devices are told to be; grows with each change. 0: none was told anything. */
  revision: number;
  /** A digest of what was told under that revision. */
  told: string | null;
}

export interface VpnConnectionTable {
  id: string;
  vpn_id: string;
  name: string;
  /** Of its address in the pool, counted from the pool's first; the same in both pools. */
  number: number;
  /** Null until it is made. Only the client has the private one. */
  public_key: string | null;
  /** The client brought it. */
  own_key: number;
  /** Sealed under the master key. */
  preshared_key: Buffer | null;
  allow_json: string;
  site_subnets_json: string;
  /** It has some. */
  is_site: number;
  disabled_at: number | null;
  expires_at: number | null;
  /** When its end was acted on. */
  expired_at: number | null;
  last_handshake: number | null;
  connected_since: number | null;
  endpoint: string | null;
  rx_bytes: number;
  tx_bytes: number;
  /** WireGuard's own counters when those were stored: they begin anew with each interface. */
  rx_seen: number;
  tx_seen: number;
  created_at: number;
  created_by: string;
}

/** Numbers of addresses that were given out, also those of connections that are gone. */
export interface VpnAddressTable {
  vpn_id: string;
  number: number;
}

/** Is to run the service no more, and has not said that it does not. */
export interface VpnLeavingTable {
  vpn_id: string;
  guid: string;
  /** Of the pair that it was in. */
  address: string | null;
}

/** Two devices that share the address of a VPN service. */
export interface HaPairTable {
  vpn_id: string;
  /** Where it goes back to, where that was asked for: the primary that the operator named. */
  home_guid: string;
  /** Who had the address last, and the other one. */
  primary_guid: string;
  standby_guid: string;
  /** With its prefix length. */
  address: string;
  interface: string | null;
  port: number;
  driver: HaDriver;
  hook: string | null;
  router_id: number;
  lease_seconds: number;
  /** Renewals in one lease. */
  threshold: number;
  fail_back: number;
  /** 32 bytes for what the two say to each other, sealed under the master key. */
  sealed_key: Buffer;
  created_at: number;
  created_by: string;
}

export interface HaNodeTable {
  vpn_id: string;
  guid: string;
  /** Where it hears votes, as it told. */
  endpoint: string | null;
}

/** The address changed hands; kept when the pair is no more. */
export interface HaSwitchTable {
  vpn_id: string;
  /** The device's. */
  id: string;
  at: number;
  reason: SwitchReason;
  /** Names at that time. */
  from_name: string | null;
  to_name: string;
  gap_ms: number | null;
  clients: number;
  back: number;
}

export interface Schema {
  device: DeviceTable;
  device_context: DeviceContextTable;
  device_tag: DeviceTagTable;
  inventory: InventoryTable;
  telemetry: TelemetryTable;
  enrolment_code: EnrolmentCodeTable;
  approval: ApprovalTable;
  refresh_token: RefreshTokenTable;
  script: ScriptTable;
  job: JobTable;
  job_target: JobTargetTable;
  job_count: JobCountTable;
  shell: ShellTable;
  event: EventTable;
  audit: AuditTable;
  user_grant: UserGrantTable;
  secret: SecretTable;
  engine_fact: EngineFactTable;
  tunnel_device: TunnelDeviceTable;
  tunnel_session: TunnelSessionTable;
  vpn_service: VpnServiceTable;
  vpn_connection: VpnConnectionTable;
  vpn_address: VpnAddressTable;
  vpn_leaving: VpnLeavingTable;
  ha_pair: HaPairTable;
  ha_node: HaNodeTable;
  ha_switch: HaSwitchTable;
}
