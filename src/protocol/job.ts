/** Jobs: one signed command for each of one or many devices, and what came of it. */
import { z } from 'zod';
import { deviceSelection } from './device.ts';
import { operation } from './operation.ts';
import { agentContext, pageOf, pageQuery, querySwitch, timestamp } from './scalars.ts';
import { scriptName } from './script.ts';

export const jobKind = z.enum(['command', 'script', 'verb']);
export const jobState = z.enum([
  'queued',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'expired',
]);
export type JobState = z.infer<typeof jobState>;
export const FINAL_STATES: ReadonlySet<JobState> = new Set([
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'expired',
]);

export const jobTarget = z.strictObject({
  /** Name of the device. */
  device: z.string(),
  guid: z.string(),
  state: jobState,
  exit_code: z.number().int().nullable(),
  error_code: z.string().nullable(),
  error: z.string().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  /** True where the output was longer than the cap and its middle was left out. */
  truncated: z.boolean(),
  /** The value a verb returned; null for commands and scripts. */
  value: z.json().nullable(),
  duration_ms: z.number().int().nullable(),
});
export type JobTarget = z.infer<typeof jobTarget>;

export const job = z.strictObject({
  id: z.string(),
  kind: jobKind,
  /** The command line, the script's name, or the verb: for people. */
  title: z.string(),
  state: jobState,
  actor: z.string(),
  context: agentContext,
  created_at: timestamp,
  expires_at: timestamp,
  finished_at: timestamp.nullable(),
  timeout_seconds: z.number().int(),
  retry_of: z.string().nullable(),
  /** How many targets are in each state. */
  counts: z.partialRecord(jobState, z.number().int()),
  targets: z.array(jobTarget),
});
export type Job = z.infer<typeof job>;
/** Without the targets. */
export const jobSummary = job.omit({ targets: true });
/** In lists: with the targets where they are asked for; their output is cut where there are many. */
const listedJob = job.partial({ targets: true });

const work = z.discriminatedUnion('kind', [
  /** A program and its arguments, no shell in between. */
  z.strictObject({ kind: z.literal('command'), argv: z.array(z.string().max(131_072)).min(1).max(1_024) }),
  z.strictObject({
    kind: z.literal('script'),
    script: scriptName,
    arguments: z.array(z.string().max(131_072)).max(1_024).default([]),
  }),
  z.strictObject({
    kind: z.literal('verb'),
    verb: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
    args: z.record(z.string(), z.json()).default({}),
  }),
]);

const ref = z.strictObject({ job: z.string().min(1).max(64) });

export const jobEvent = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('output'),
    device: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    data: z.string(),
  }),
  /** A target changed; its output fields are whole only in a final state. */
  z.strictObject({ type: z.literal('target'), target: jobTarget }),
  /** The last message: the job is over (without targets' output). */
  z.strictObject({ type: z.literal('job'), job: jobSummary }),
]);
export type JobEvent = z.infer<typeof jobEvent>;

export const jobOperations = {
  'job.create': operation({
    method: 'POST',
    path: '/jobs',
    role: 'operator',
    summary: 'Run a command, a stored script or a verb on devices; offline devices get it when they return.',
    input: z.strictObject({
      work,
      ...deviceSelection,
      context: agentContext.default('system'),
      /** Seconds that it may run on a device. */
      timeout: z.number().int().min(1).max(86_400).default(45),
      /** Seconds that it waits for a device to come online. */
      ttl: z.number().int().min(1).max(2_592_000).default(3_600),
    }),
    output: job,
  }),
  'job.list': operation({
    method: 'GET',
    path: '/jobs',
    role: 'viewer',
    summary: 'List jobs, newest first.',
    input: z.strictObject({ ...pageQuery, state: jobState.optional(), targets: querySwitch.default(false) }),
    output: pageOf(listedJob),
  }),
  'job.show': operation({
    method: 'GET',
    path: '/jobs/{job}',
    role: 'viewer',
    summary: 'Show a job with its targets, by its id or a unique prefix.',
    input: ref,
    output: job,
  }),
  'job.watch': operation({
    method: 'GET',
    path: '/jobs/{job}/stream',
    transport: 'stream',
    role: 'viewer',
    summary: 'Output and states of a job: what there was so far, then as it happens; ends with the job.',
    input: ref,
    output: jobEvent,
  }),
  'job.cancel': operation({
    method: 'POST',
    path: '/jobs/{job}/cancel',
    role: 'operator',
    summary: 'Cancel what has not finished; running commands are ended on their devices.',
    input: ref,
    output: job,
  }),
  'job.retry': operation({
    method: 'POST',
    path: '/jobs/{job}/retry',
    role: 'operator',
    summary: 'A new job of the same work for the targets that did not succeed.',
    input: ref.extend({ all: z.boolean().default(false) }),
    output: job,
  }),
};
