import type { TelemetrySample } from '../../../src/protocol/telemetry.ts';

/** A measurement of that moment, milliseconds since 1970. */
export const sampleAt = (at: number, changed: Partial<TelemetrySample> = {}): TelemetrySample => ({
  at: new Date(at).toISOString(),
  cpu_percent: 12.5,
  load_1m: null,
  memory_used_bytes: 1_000_001,
  memory_total_bytes: 4_000_000,
  swap_used_bytes: 0,
  disk_used_bytes: 10,
  disk_total_bytes: 20,
  network_rx_bytes_per_s: 1.5,
  network_tx_bytes_per_s: null,
  uptime_seconds: 99.5,
  processes: 7,
  ...changed,
});
