/** Devices and measurements as they would be in the store: each different, none of them random. */
import { createHash } from 'node:crypto';
import type { DeviceTable, TelemetryTable } from '../../src/store/schema.ts';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const SITES = ['berlin', 'lyon', 'oslo', 'porto', null];

export const guidOf = (index: number): string => {
  const digits = hex(`device ${index}`);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
};

export const nameOf = (index: number): string => `host-${String(index).padStart(5, '0')}`;

export const deviceRow = (index: number, now = Date.now()): DeviceTable => ({
  guid: guidOf(index),
  name: nameOf(index),
  hostname: `${nameOf(index)}.example.net`,
  fingerprint: hex(`machine ${index}`),
  os: 'linux',
  arch: 'x64',
  site: SITES[index % SITES.length]!,
  tags_json: JSON.stringify({ role: index % 3 === 0 ? 'web' : 'db', rack: `r${index % 40}` }),
  state: 'active',
  agent_version: '0.1.0',
  address: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
  token_version: 1,
  clock_offset_ms: 12,
  enrolled_at: now - 86_400_000,
  revoked_at: null,
  last_seen_at: now - 60_000,
});

/** The `index`th measurement of a fleet in which each device measures in turn, every 30 seconds. */
export const telemetryRow = (index: number, devices: number): TelemetryTable => ({
  guid: guidsOf(devices)[index % devices]!,
  at: 1_700_000_000_000 + Math.floor(index / devices) * 30_000 + (index % devices),
  cpu_percent: (index * 7.3) % 100,
  load_1m: (index % 400) / 100,
  memory_used_bytes: 2_000_000_000 + ((index * 4_096) % 4_000_000_000),
  memory_total_bytes: 8_200_000_000,
  swap_used_bytes: 0,
  disk_used_bytes: 41_000_000_000 + index * 512,
  disk_total_bytes: 105_000_000_000,
  network_rx_bytes_per_s: (index * 131) % 1_000_000,
  network_tx_bytes_per_s: (index * 37) % 1_000_000,
  uptime_seconds: 86_400 + index,
  processes: 180 + (index % 60),
});

let made: string[] = [];
/** Of the first so many, worked out once: a benchmark must not measure SHA-256. */
export const guidsOf = (devices: number): readonly string[] => {
  if (made.length !== devices) made = Array.from({ length: devices }, (_, i) => guidOf(i));
  return made;
};
