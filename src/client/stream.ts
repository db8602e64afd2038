/** A stream of the local API: a WebSocket over the engine's Unix socket, read only as fast as it is consumed. */
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { BorealisError } from '../protocol/errors.ts';
import type { STREAM_CLOSE, StreamFailure } from '../protocol/stream.ts';
import { engineError, problemError } from './problem.ts';
import { unreachable } from './unreachable.ts';

/** The protocol's own table brings its schemas along; these are held equal to it by their type. */
const CLOSE = {
  done: 1000,
  goingAway: 1001,
  failed: 4000,
  forbidden: 4003,
  tooSlow: 4008,
} satisfies typeof STREAM_CLOSE;
/** Messages that may wait before the connection is paused. */
const HIGH_WATER = 512;

/** Errors: ENGINE_UNREACHABLE, ENGINE_STARTING when the engine stops, NOT_PERMITTED, WATCHER_TOO_SLOW, the operation's. */
export async function* openStream<T>(
  socketPath: string,
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  if (signal?.aborted) return;
  const waiting: string[] = [];
  let end: { error: BorealisError | null } | undefined;
  let wake = (): void => {};
  const ws = new WebSocket(`ws://borealis${path}`, {
    // A path in the URL, as ws has it, ends at the first colon.
    createConnection: () => connect(socketPath),
    perMessageDeflate: false,
    handshakeTimeout: 60_000,
  });
  const finish = (error: BorealisError | null): void => {
    end ??= { error };
    wake();
  };
  ws.on('message', (data) => {
    waiting.push(String(data));
    if (waiting.length >= HIGH_WATER) ws.pause();
    wake();
  });
  ws.on('error', (error) => finish(unreachable(socketPath, error)));
  ws.on('unexpected-response', (_request, response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('close', () =>
      finish(problemError(response.statusCode ?? 0, Buffer.concat(chunks).toString())),
    );
  });
  ws.on('close', (code) => finish(closeError(code, socketPath)));
  const onAbort = (): void => finish(null);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const text = waiting.shift();
      if (text !== undefined) {
        if (waiting.length < HIGH_WATER / 2 && ws.isPaused) ws.resume();
        yield readMessage<T>(text);
        if (signal?.aborted) return;
      } else if (end) {
        if (end.error) throw end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    ws.on('error', () => {}); // ended before it was open; nobody reads it any more
    ws.terminate();
  }
}

/** Errors: what the engine says that it failed with. */
export const readMessage = <T>(text: string): T => {
  const message = JSON.parse(text) as T | StreamFailure;
  if (isFailure(message)) throw engineError(message.error);
  return message;
};

/** No operation's output has a single field named `error`. */
const isFailure = (message: unknown): message is StreamFailure => {
  if (typeof message !== 'object' || message === null || !('error' in message)) return false;
  const { error } = message;
  return Object.keys(message).length === 1 && typeof error === 'object' && error !== null && 'code' in error;
};

/** Why a connection ended; null where all was said. */
export const closeError = (code: number, socketPath: string): BorealisError | null => {
  switch (code) {
    case CLOSE.done:
      return null;
    case CLOSE.goingAway:
      return new BorealisError('ENGINE_STARTING', { detail: 'It ended the stream.' });
    case CLOSE.forbidden:
      return new BorealisError('NOT_PERMITTED', { detail: 'Your role was taken away while you watched.' });
    case CLOSE.tooSlow:
      return new BorealisError('WATCHER_TOO_SLOW');
    default:
      return unreachable(socketPath, new Error('it was ended without a word'));
  }
};
