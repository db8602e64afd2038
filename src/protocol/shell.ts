/** Shells on devices: they outlive their viewers, are shared, and are recorded. Viewers attach through the engine. */
import { z } from 'zod';
import { accountName, terminalSize } from './agent-port.ts';
import { operation } from './operation.ts';
import { deviceRef, nothing, queryInteger, querySwitch, timestamp } from './scalars.ts';

export const shellState = z.enum(['running', 'unreachable', 'ended']);
export const shellViewer = z.strictObject({
  user: z.string(),
  since: timestamp,
  read_only: z.boolean(),
  ...terminalSize.shape,
});
export type ShellViewer = z.infer<typeof shellViewer>;
export const shell = z.strictObject({
  id: z.string(),
  device: z.string(),
  guid: z.string(),
  /** The account on the device. */
  user: z.string(),
  started_by: z.string(),
  started_at: timestamp,
  ended_at: timestamp.nullable(),
  state: shellState,
  exit_code: z.number().int().nullable(),
  /** The title that its program set, else null. */
  title: z.string().nullable(),
  ...terminalSize.shape,
  viewers: z.array(shellViewer),
  recorded: z.boolean(),
});
export type Shell = z.infer<typeof shell>;

/** What a viewer hears in text messages; binary messages are bytes for its terminal. */
export const shellNotice = z.discriminatedUnion('type', [
  /** First of all, and after each interruption. The binary message after it is the whole screen: clear before. */
  z.strictObject({ type: z.literal('attached'), shell, read_only: z.boolean() }),
  /** Who watches now. */
  z.strictObject({ type: z.literal('viewers'), viewers: z.array(shellViewer) }),
  /** The terminal's size now: that of the viewer who typed or resized last. */
  z.strictObject({ type: z.literal('resized'), ...terminalSize.shape }),
  /** The device cannot be reached for the moment; typed text waits nowhere and is refused. */
  z.strictObject({ type: z.literal('interrupted'), reason: z.string() }),
  /** Last. */
  z.strictObject({
    type: z.literal('ended'),
    exit_code: z.number().int().nullable(),
    signal: z.string().nullable(),
  }),
  /** Something the viewer did was refused; it stays attached. */
  z.strictObject({ type: z.literal('refused'), code: z.string(), message: z.string(), next: z.string() }),
]);
export type ShellNotice = z.infer<typeof shellNotice>;
/** What a viewer says in text messages; binary messages are what it types. */
export const shellRequest = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('resize'), ...terminalSize.shape }),
]);
export type ShellRequest = z.infer<typeof shellRequest>;

const size = { cols: queryInteger(1, 1_000).default(80), rows: queryInteger(1, 1_000).default(24) };

export const shellOperations = {
  'shell.create': operation({
    method: 'POST',
    path: '/shells',
    role: 'operator',
    summary: 'Start a login shell on a device, through its tunnel; then attach to it.',
    input: z.strictObject({
      device: deviceRef,
      /** The account on the device; the agent's own when left out. */
      user: accountName.optional(),
      cols: size.cols,
      rows: size.rows,
      term: z
        .string()
        .regex(/^[A-Za-z0-9._+-]{1,64}$/)
        .default('xterm-256color'),
      /** Also record what is typed, while the terminal echoes it. */
      record_input: z.boolean().default(false),
    }),
    output: shell,
  }),
  'shell.attach': operation({
    method: 'GET',
    path: '/shells/{shell}/attach',
    transport: 'terminal',
    role: 'viewer',
    summary:
      'See and, as an operator, use a shell: binary messages are the terminal, text messages are notices.',
    input: z.strictObject({
      shell: z.string().min(1).max(64),
      read_only: querySwitch.default(false),
      ...size,
    }),
    output: shellNotice,
    request: shellRequest,
  }),
  'shell.list': operation({
    method: 'GET',
    path: '/shells',
    role: 'viewer',
    summary: 'List shells that run.',
    input: z.strictObject({ device: deviceRef.optional() }),
    output: z.array(shell),
  }),
  'shell.kill': operation({
    method: 'DELETE',
    path: '/shells/{shell}',
    role: 'operator',
    summary: 'End a shell and what runs in it.',
    input: z.strictObject({ shell: z.string().min(1).max(64) }),
    output: shell,
  }),
};

export const recording = z.strictObject({
  /** That of the shell. */
  id: z.string(),
  device: z.string(),
  guid: z.string(),
  user: z.string(),
  started_by: z.string(),
  started_at: timestamp,
  /** Null while it is being recorded, or where it was cut off. */
  ended_at: timestamp.nullable(),
  state: z.enum(['recording', 'complete', 'cut_off']),
  duration_seconds: z.number(),
  bytes: z.number().int(),
  exit_code: z.number().int().nullable(),
  ...terminalSize.shape,
  input_recorded: z.boolean(),
});
export type Recording = z.infer<typeof recording>;

const recordingRef = { session: z.string().min(1).max(64) };
export const sessionOperations = {
  'session.list': operation({
    method: 'GET',
    path: '/sessions',
    role: 'operator',
    summary: 'List recorded sessions, newest first.',
    input: z.strictObject({
      device: deviceRef.optional(),
      limit: queryInteger(1, 10_000).default(1_000),
    }),
    output: z.array(recording),
  }),
  'session.show': operation({
    method: 'GET',
    path: '/sessions/{session}',
    role: 'operator',
    summary: 'Show a recorded session, by its id or a unique prefix.',
    input: z.strictObject(recordingRef),
    output: recording,
  }),
  'session.read': operation({
    method: 'GET',
    path: '/sessions/{session}/cast',
    transport: 'binary',
    role: 'operator',
    /** Who looked at what is itself worth knowing. */
    changes: true,
    summary: 'The recording as asciicast v2; of a running session, what there is so far.',
    input: z.strictObject(recordingRef),
    output: nothing,
  }),
  'session.search': operation({
    method: 'GET',
    path: '/sessions/search',
    transport: 'stream',
    role: 'operator',
    changes: true,
    summary: 'Find text in what recorded sessions showed, newest first, whatever the case of its letters.',
    input: z.strictObject({ text: z.string().min(1).max(256), device: deviceRef.optional() }),
    output: z.strictObject({
      recording,
      /** Seconds since the session began. */
      at: z.number(),
      line: z.string(),
    }),
  }),
};
