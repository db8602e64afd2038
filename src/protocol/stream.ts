/**
 * How a stream of the local API ends. Each message is one JSON document of the operation's output; where the stream
 * fails, the last message is a `streamFailure`, and the close code says what kind of end it was.
 */
import { z } from 'zod';

/** WebSocket close codes (RFC 6455 §7.4: 4000-4999 are the application's). */
export const STREAM_CLOSE = {
  /** The stream came to its end. */
  done: 1000,
  /** The engine stops. */
  goingAway: 1001,
  /** The last message says what went wrong. */
  failed: 4000,
  /** The watcher lost its role while it watched. */
  forbidden: 4003,
  /** The watcher read more slowly than things happened; ask again, with `after` where the stream has it. */
  tooSlow: 4008,
} as const;

/** The longest message that the viewer of a `terminal` may send, in bytes; what is pasted is cut into several. */
export const TERMINAL_MESSAGE_MAX = 65_536;

export const streamFailure = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), next: z.string() }),
});
export type StreamFailure = z.infer<typeof streamFailure>;
