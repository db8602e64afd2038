/** An upload or a download: one HTTP request over the engine's Unix socket. The connection serves that one request, and ends. */
import type { IncomingMessage } from 'node:http';
import http from 'node:http';
import type { Readable } from 'node:stream';
import { BorealisError } from '../protocol/errors.ts';
import { type CallOptions, explain } from './exchange.ts';
import { problemError } from './problem.ts';
import type { WireRequest } from './request.ts';

/**
 * Resolves with the response, its body unread, once it is a success.
 * Errors: ENGINE_UNREACHABLE, TIMED_OUT, CANCELLED, and whatever the engine answers.
 */
export const send = (
  socketPath: string,
  request: WireRequest,
  { signal, timeoutMs }: CallOptions,
  upload?: Readable,
): Promise<IncomingMessage> => {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const { method, path, body } = request;
  const headers: Record<string, string | number> = {
    ...request.headers,
    host: 'borealis',
    connection: 'close',
  };
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  else if (upload) headers['transfer-encoding'] = 'chunked';
  const outgoing = http.request({
    socketPath,
    method,
    path,
    headers,
    agent: false,
    ...(signal && { signal }),
  });
  let uploadFailure: unknown;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          reject(
            new BorealisError('TIMED_OUT', {
              detail: `The engine did not answer within ${timeoutMs / 1000} s.`,
            }),
          );
          outgoing.destroy();
        }, timeoutMs);
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    clearTimeout(timer);
    if (signal?.aborted) reject(new BorealisError('CANCELLED', { cause: error }));
    else if (uploadFailure !== undefined) reject(uploadFailure);
    else explain(socketPath, error).then(reject, reject);
  });
  outgoing.on('response', (response) => {
    clearTimeout(timer);
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return resolve(response);
    // An engine that refuses an upload answers before it has read it.
    upload?.destroy();
    readText(response).then((text) => reject(problemError(statusCode, text)), reject);
  });
  if (!upload) {
    outgoing.end(body);
    return promise;
  }
  upload.on('error', (error) => {
    uploadFailure = error;
    outgoing.destroy();
  });
  upload.pipe(outgoing);
  return promise;
};

/** Errors: ENGINE_UNREACHABLE where the connection breaks before the end. */
export const readText = (response: IncomingMessage): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
  response.on('error', (cause) => {
    reject(
      new BorealisError('ENGINE_UNREACHABLE', {
        detail: 'The connection broke before the whole answer was there.',
        next: 'See whether the engine runs: borealisctl status',
        cause,
      }),
    );
  });
  return promise;
};
