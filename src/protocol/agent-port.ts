/**
 * The agent's server at its tunnel address (TCP AGENT_PORT): shells and copies. A connection begins with a token that
 * the engine signed for it (AGENT_PORT_TYPE over agentPortClaims); each token opens one connection.
 *
 * Frames, both ways: length of what follows (4 bytes, big endian, at most AGENT_PORT_FRAME_MAX), kind (1 byte), payload.
 * Payloads are JSON (UTF-8) unless said otherwise. Offsets count bytes of a shell's output since it began.
 */
import { z } from 'zod';
import { bytes32 } from './scalars.ts';
import { tunnelId } from './tunnel-session.ts';

export const AGENT_PORT_TYPE = 'borealis-port+jws';
export const AGENT_PORT_FRAME_MAX = 1_048_576;
/** The connection is cut where the token does not come within this. */
export const AGENT_PORT_HELLO_MS = 5_000;
/** Bytes of output that the agent sends beyond what was acknowledged. */
export const SHELL_WINDOW_BYTES = 262_144;
/** Bytes of output that the agent keeps for an engine that lost its connection. */
export const SHELL_KEPT_BYTES = 1_048_576;

export const shellId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/);
export const terminalSize = z.strictObject({
  cols: z.number().int().min(1).max(1_000),
  rows: z.number().int().min(1).max(1_000),
});
/** A Unix user's name, as useradd(8) takes it; on Windows an account. */
export const accountName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.\\@-]{0,63}\$?$/);
export const copyPath = z
  .string()
  .min(1)
  .max(4_096)
  .refine((path) => !path.includes('\0'), 'no NUL');

const addressed = {
  tunnel_id: tunnelId,
  /** Seen once, then never again. */
  nonce: bytes32,
  iat: z.number().int(),
  /** A minute after iat at most. */
  exp: z.number().int(),
  agent_targets: z.array(z.string().max(64)).min(1).max(1),
  /** The operator, for the device's own log. */
  actor: z.string().max(128),
};
export const agentPortClaims = z.discriminatedUnion('purpose', [
  /** A new shell; the connection then serves it. */
  z.strictObject({
    purpose: z.literal('shell'),
    ...addressed,
    shell_id: shellId,
    /** Null: the user of the agent. */
    user: accountName.nullable(),
    size: terminalSize,
    /** TERM of the first viewer. */
    term: z.string().regex(/^[A-Za-z0-9._+-]{1,64}$/),
    /** Report what was typed, while the terminal echoes it. */
    record_input: z.boolean(),
  }),
  /** A shell that runs: output from `offset` on. An older connection of the same shell is closed. */
  z.strictObject({
    purpose: z.literal('attach'),
    ...addressed,
    shell_id: shellId,
    offset: z.number().int().min(0),
  }),
  /** Which shells run: one SHELLS frame, then the end. */
  z.strictObject({ purpose: z.literal('list'), ...addressed }),
  /** Files, one way. What follows is spoken in protocol/copy.ts. */
  z.strictObject({
    purpose: z.literal('copy'),
    ...addressed,
    direction: z.enum(['to_device', 'from_device']),
    /** On the device. */
    path: copyPath,
  }),
]);
export type AgentPortClaims = z.infer<typeof agentPortClaims>;

/** Kinds that the engine's side sends. */
export const TO_AGENT_PORT = {
  /** The token, compact JWS as ASCII; first of all. */
  OPEN: 1,
  /** Bytes for the terminal. */
  INPUT: 2,
  /** terminalSize */
  RESIZE: 3,
  /** {offset}: output up to there is stored; the agent may forget it. */
  ACK: 4,
  /** {id}: asks for the screen as it is. */
  SCREEN: 5,
  /** {signal: 'SIGHUP'|'SIGTERM'|'SIGKILL'}: to the shell's session. */
  KILL: 6,
} as const;
/** Kinds that the agent sends. */
export const FROM_AGENT_PORT = {
  /** shellOpened: answers `shell` and `attach`. */
  OPENED: 64,
  /** 8 bytes offset (big endian), then bytes of the terminal. */
  OUTPUT: 65,
  /** shellScreen: in its place in the output, which goes on from `offset`. */
  SCREEN: 66,
  /** Bytes that were typed while the terminal echoed. */
  TYPED: 67,
  /** {offset, cols, rows}: from here on the terminal has this size. */
  RESIZED: 68,
  /** shellExit; the end of the connection follows. */
  EXIT: 69,
  /** {shells: runningShell[]} */
  SHELLS: 70,
  /** {code, message, next}: then the connection ends. */
  REFUSED: 71,
} as const;

export const shellOpened = z.strictObject({
  shell_id: shellId,
  pid: z.number().int(),
  user: z.string(),
  ...terminalSize.shape,
  /** Where the output that follows begins; later than asked for where the agent had to forget. */
  offset: z.number().int(),
  /** When the shell began, milliseconds since 1970 by the device's clock. */
  started_at: z.number().int(),
});
export type ShellOpened = z.infer<typeof shellOpened>;
export const shellAck = z.strictObject({ offset: z.number().int().min(0) });
export const shellScreenRequest = z.strictObject({ id: z.number().int() });
export const shellKill = z.strictObject({ signal: z.enum(['SIGHUP', 'SIGTERM', 'SIGKILL']) });
export type ShellKill = z.infer<typeof shellKill>;
export const shellScreen = z.strictObject({
  id: z.number().int(),
  offset: z.number().int(),
  ...terminalSize.shape,
  /** What to write to an empty terminal of that size to see it, modes included. */
  data: z.string(),
  /** A screen larger than a frame comes in several, one right after another; `data` is joined until this is true. */
  last: z.boolean(),
});
export type ShellScreen = z.infer<typeof shellScreen>;
export const shellResized = z.strictObject({ offset: z.number().int(), ...terminalSize.shape });
export type ShellResized = z.infer<typeof shellResized>;
export const shellExit = z.strictObject({
  offset: z.number().int(),
  exit_code: z.number().int().nullable(),
  signal: z.string().nullable(),
});
export type ShellExit = z.infer<typeof shellExit>;
export const runningShell = z.strictObject({
  shell_id: shellId,
  offset: z.number().int(),
  exited: shellExit.nullable(),
});
export type RunningShell = z.infer<typeof runningShell>;
export const runningShells = z.strictObject({ shells: z.array(runningShell) });
export const agentPortRefusal = z.strictObject({ code: z.string(), message: z.string(), next: z.string() });
export type AgentPortRefusal = z.infer<typeof agentPortRefusal>;
