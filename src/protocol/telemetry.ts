/** Measurements that agents send each 30 seconds. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { deviceRef, queryInteger, timestamp } from './scalars.ts';

/** One measurement. Rates are per second since the measurement before; null where the platform does not tell. */
export const telemetrySample = z.strictObject({
  at: timestamp,
  cpu_percent: z.number().min(0).max(100),
  load_1m: z.number().min(0).nullable(),
  memory_used_bytes: z.number().int().min(0),
  memory_total_bytes: z.number().int().min(0),
  swap_used_bytes: z.number().int().min(0).nullable(),
  disk_used_bytes: z.number().int().min(0).nullable(),
  disk_total_bytes: z.number().int().min(0).nullable(),
  network_rx_bytes_per_s: z.number().min(0).nullable(),
  network_tx_bytes_per_s: z.number().min(0).nullable(),
  uptime_seconds: z.number().min(0),
  processes: z.number().int().min(0).nullable(),
});
export type TelemetrySample = z.infer<typeof telemetrySample>;

export const telemetryOperations = {
  'telemetry.show': operation({
    method: 'GET',
    path: '/devices/{device}/telemetry',
    role: 'viewer',
    summary: 'Show what a device measured over a span, oldest first.',
    input: z.strictObject({
      device: deviceRef,
      since: timestamp.optional(),
      until: timestamp.optional(),
      /** At most this many samples; longer spans are thinned by averaging into equal buckets. */
      points: queryInteger(1, 10_000).default(500),
    }),
    output: z.array(telemetrySample),
  }),
  'telemetry.watch': operation({
    method: 'GET',
    path: '/telemetry/stream',
    transport: 'stream',
    role: 'viewer',
    summary: 'Measurements as they arrive, of named devices or of all.',
    input: z.strictObject({
      device: z.union([deviceRef, z.array(deviceRef)]).optional(),
      /** It begins with the newest of each device, where that was measured since then. */
      since: timestamp.optional(),
    }),
    output: z.strictObject({ device: z.string(), guid: z.string(), sample: telemetrySample }),
  }),
};
