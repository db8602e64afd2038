/** The verbs that every agent has. Further ones are dropped into the registry in agent/verbs/. */
import { z } from 'zod';
import { SCRIPT_MAX_BYTES, scriptLanguage, scriptName } from './script.ts';

const argument = z.string().max(131_072);

/** A program and its arguments; no shell in between. */
export const runCommandArgs = z.strictObject({ argv: z.array(argument).min(1).max(1_024) });

export const runScriptArgs = z.strictObject({
  name: scriptName,
  language: scriptLanguage,
  body: z.string().max(SCRIPT_MAX_BYTES),
  /** Compact JWS over scriptClaims by the engine's signing key. The agent hashes `body` itself. */
  signature: z.string().max(2_048),
  arguments: z.array(argument).max(1_024),
});

export const getSystemHealthArgs = z.strictObject({});
export const systemHealth = z.strictObject({
  uptime_seconds: z.number(),
  load: z.array(z.number()),
  cpu_percent: z.number(),
  memory_used_percent: z.number(),
  disks: z.array(z.strictObject({ mount: z.string(), used_percent: z.number(), free_bytes: z.number() })),
  failed_services: z.array(z.string()).nullable(),
  reboot_required: z.boolean().nullable(),
});

export const getServiceStatusArgs = z.strictObject({
  service: z.string().regex(/^[A-Za-z0-9@._:\\-]{1,255}$/),
});
export const serviceStatus = z.strictObject({
  service: z.string(),
  exists: z.boolean(),
  active: z.string().nullable(),
  sub: z.string().nullable(),
  enabled: z.string().nullable(),
  since: z.string().nullable(),
  pid: z.number().int().nullable(),
  memory_bytes: z.number().int().nullable(),
});

export const getMonitoringDataArgs = z.strictObject({
  /** Which parts; all when left out. */
  parts: z
    .array(z.enum(['cpu', 'memory', 'disks', 'network', 'processes']))
    .min(1)
    .optional(),
  /** How many processes, by processor time. */
  top: z.number().int().min(1).max(100).default(10),
});
