/** The engine itself: its state, health, configuration, log, backups and end. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { SHORTEST_PASSPHRASE } from './passphrase.ts';
import { nothing, queryInteger, querySwitch, timestamp } from './scalars.ts';

export const status = z.strictObject({
  version: z.string(),
  pid: z.number().int(),
  started_at: timestamp,
  uptime_seconds: z.number(),
  state_directory: z.string(),
  ready: z.boolean(),
  store: z.strictObject({
    driver: z.string(),
    size_bytes: z.number().int(),
    schema_version: z.number().int(),
  }),
  listeners: z.array(z.strictObject({ kind: z.enum(['local', 'agent']), address: z.string() })),
  ca_pin: z.string(),
  devices: z.strictObject({
    total: z.number().int(),
    online: z.number().int(),
    offline: z.number().int(),
    quarantined: z.number().int(),
    revoked: z.number().int(),
  }),
  approvals_waiting: z.number().int(),
  jobs_running: z.number().int(),
  jobs_queued: z.number().int(),
  tunnels: z.number().int(),
  ha: z.array(z.strictObject({ vpn: z.string(), state: z.string() })),
  signature_failures: z.number().int(),
  warnings: z.array(z.strictObject({ code: z.string(), message: z.string(), next: z.string() })),
});
export type Status = z.infer<typeof status>;

export const check = z.strictObject({
  id: z.string(),
  state: z.enum(['ok', 'warn', 'fail', 'skipped']),
  message: z.string(),
  /** What to do about it; null when ok. */
  remedy: z.string().nullable(),
});
export type Check = z.infer<typeof check>;

export const setting = z.strictObject({
  key: z.string(),
  value: z.json(),
  /** Where the value in force came from. */
  source: z.enum(['default', 'file', 'environment', 'flag']),
  summary: z.string(),
  /** True where a change shows only after a restart. */
  restart: z.boolean(),
});
export type Setting = z.infer<typeof setting>;

export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
export const logLine = z.looseObject({
  time: timestamp,
  level: logLevel,
  component: z.string(),
  msg: z.string(),
});
export type LogLine = z.infer<typeof logLine>;

export const backupSummary = z.strictObject({
  created_at: timestamp,
  engine_version: z.string(),
  schema_version: z.number().int(),
  devices: z.number().int(),
  size_bytes: z.number().int(),
  ca_pin: z.string(),
});
export type BackupSummary = z.infer<typeof backupSummary>;

export const engineOperations = {
  'status.show': operation({
    method: 'GET',
    path: '/status',
    role: 'viewer',
    summary: 'Engine, store, listeners, devices, approvals, jobs and warnings at a glance.',
    input: nothing,
    output: status,
  }),
  'doctor.check': operation({
    method: 'GET',
    path: '/doctor',
    role: 'viewer',
    summary: 'What the engine finds wrong with itself and its devices, each with a remedy.',
    input: nothing,
    output: z.array(check),
  }),
  'engine.stop': operation({
    method: 'POST',
    path: '/engine/stop',
    role: 'admin',
    summary: 'Drain and end the engine.',
    input: nothing,
    output: z.strictObject({ pid: z.number().int() }),
  }),
  'config.show': operation({
    method: 'GET',
    path: '/config',
    role: 'viewer',
    summary: 'Every setting, its value in force and where that came from; secrets are masked.',
    input: nothing,
    output: z.array(setting),
  }),
  'config.set': operation({
    method: 'PUT',
    path: '/config/{key}',
    role: 'admin',
    summary: 'Write a setting to the configuration file, keeping its comments.',
    input: z.strictObject({ key: z.string().min(1).max(128), value: z.json() }),
    output: setting,
  }),
  'log.read': operation({
    method: 'GET',
    path: '/log',
    transport: 'stream',
    role: 'operator',
    summary: 'The last lines of the engine’s log, then new ones when asked to follow.',
    input: z.strictObject({
      lines: queryInteger(0, 100_000).default(100),
      follow: querySwitch.default(false),
      component: z.string().max(64).optional(),
      level: logLevel.optional(),
    }),
    output: logLine,
  }),
  'backup.create': operation({
    method: 'POST',
    path: '/backup',
    transport: 'binary',
    role: 'admin',
    summary: 'A sealed copy of store and keys, made while the engine runs.',
    input: z.strictObject({ passphrase: z.string().min(SHORTEST_PASSPHRASE).max(1_024) }),
    output: z.instanceof(Uint8Array),
  }),
  'backup.verify': operation({
    method: 'POST',
    path: '/backup/verify',
    transport: 'upload',
    role: 'admin',
    changes: false,
    summary: 'Open a backup, check every byte and the store in it, and say what it holds.',
    input: z.strictObject({ passphrase: z.string().min(1).max(1_024) }),
    output: backupSummary,
  }),
  'backup.restore': operation({
    method: 'POST',
    path: '/backup/restore',
    transport: 'upload',
    role: 'admin',
    summary:
      'Put a backup in place of the present state; the engine restarts with it and keeps the old state aside.',
    input: z.strictObject({ passphrase: z.string().min(1).max(1_024) }),
    output: backupSummary.extend({ previous_state: z.string() }),
  }),
};
