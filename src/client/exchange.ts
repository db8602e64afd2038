/**
 * One JSON request and its answer over the engine's Unix socket, in as much of HTTP/1.1 (RFC 9112) as that takes:
 * node:http needs longer to load than everything else that a command does. Uploads and downloads use node:http.
 */
import { connect } from 'node:net';
import { BorealisError } from '../protocol/errors.ts';
import { problemError } from './problem.ts';
import type { WireRequest } from './request.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the answer must be there; none where not given. */
  readonly timeoutMs?: number | undefined;
}

/** Resolves with the body. Errors: ENGINE_UNREACHABLE, TIMED_OUT, CANCELLED, and whatever the engine answers. */
export const exchange = (
  socketPath: string,
  request: WireRequest,
  { signal, timeoutMs }: CallOptions,
): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  if (signal?.aborted) return Promise.reject(new BorealisError('CANCELLED'));
  const socket = connect(socketPath);
  const chunks: Buffer[] = [];
  const finish = (settle: () => void): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    socket.destroy();
    settle();
  };
  const onAbort = (): void => finish(() => reject(new BorealisError('CANCELLED')));
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => finish(() => reject(late(timeoutMs))), timeoutMs);
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', (error) => {
    // An engine that refuses before it has read all may close while we still write; what it said counts.
    if (chunks.length === 0) finish(() => void explain(socketPath, error).then(reject, reject));
  });
  socket.on('close', () =>
    finish(() => {
      const answer = readAnswer(Buffer.concat(chunks));
      if (!answer)
        void explain(socketPath, new Error('it ended before the whole answer was there')).then(
          reject,
          reject,
        );
      else if (answer.status >= 200 && answer.status < 300) resolve(answer.body);
      else reject(problemError(answer.status, answer.body));
    }),
  );
  socket.write(requestText(request));
  return promise;
};

/** What goes into a header here is ours or percent-encoded; nothing in it can begin another line. */
const requestText = ({ method, path, headers, body }: WireRequest): string => {
  const lines = [`${method} ${path} HTTP/1.1`, 'host: borealis', 'connection: close'];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  if (body !== undefined) lines.push(`content-length: ${Buffer.byteLength(body)}`);
  else if (method !== 'GET') lines.push('content-length: 0');
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
};

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Undefined where it is no HTTP, or was cut off. */
export const readAnswer = (bytes: Buffer): Answer | undefined => {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return undefined;
  const rest = bytes.subarray(end + 4);
  const length = /^content-length: *(\d+)\s*$/im.exec(head)?.[1];
  let body: Buffer | undefined = rest;
  if (/^transfer-encoding:.*\bchunked\s*$/im.test(head)) body = unchunk(rest);
  else if (length !== undefined)
    body = rest.length < Number(length) ? undefined : rest.subarray(0, Number(length));
  return body && { status: Number(status), body: body.toString('utf8') };
};

/** RFC 9112 §7.1; undefined where the last chunk is missing. */
const unchunk = (bytes: Buffer): Buffer | undefined => {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at);
    const size = line < 0 ? Number.NaN : Number.parseInt(bytes.toString('latin1', at, line), 16);
    if (Number.isNaN(size)) return undefined;
    if (size === 0) return Buffer.concat(parts);
    const begin = line + 2;
    if (bytes.length < begin + size + 2) return undefined;
    parts.push(bytes.subarray(begin, begin + size));
    at = begin + size + 2;
  }
};

const late = (timeoutMs: number): BorealisError =>
  new BorealisError('TIMED_OUT', { detail: `The engine did not answer within ${timeoutMs / 1_000} s.` });

/** Only when it goes wrong is there time to look at why. */
export const explain = async (socketPath: string, error: NodeJS.ErrnoException): Promise<BorealisError> =>
  (await import('./unreachable.ts')).unreachable(socketPath, error);
