/** One JSON request over a TLS connection of its own, answered by JSON of an agreed form or by a problem (RFC 9457). */
import { type IncomingMessage, request } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { z } from 'zod';
import { ENGINE_SERVER_NAME } from '../protocol/enrolment.ts';
import { BorealisError, ERRORS, isErrorCode } from '../protocol/errors.ts';
import { connectionError } from './tls.ts';

const RESPONSE_MAX_BYTES = 65_536;
/** Well below the minute within which the engine takes a refresh token again whose answer was lost. */
const RESPONSE_MS = 15_000;

export interface JsonRequest<T> {
  readonly path: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** What a 2xx answer must be. */
  readonly answer: z.ZodType<T>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * POSTs over `socket`, an established connection that is closed afterwards. Errors: the engine's own code, else
 * SCHEMA_MISMATCH, TIMED_OUT, ENGINE_UNREACHABLE.
 */
export async function postJson<T>(socket: TLSSocket, options: JsonRequest<T>): Promise<T> {
  const body = Buffer.from(JSON.stringify(options.body));
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request({
    createConnection: () => socket,
    method: 'POST',
    path: options.path,
    signal: options.signal,
    headers: {
      Host: ENGINE_SERVER_NAME,
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      Connection: 'close',
      ...options.headers,
    },
  });
  const timer = setTimeout(() => sent.destroy(new BorealisError('TIMED_OUT')), RESPONSE_MS);
  try {
    sent.once('response', resolve);
    sent.on('error', reject);
    sent.end(body);
    const response = await promise;
    const text = await readBody(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw problem(status, text);
    const parsed = options.answer.safeParse(parseJson(text));
    if (!parsed.success)
      throw new BorealisError('SCHEMA_MISMATCH', { detail: `The engine's answer to ${options.path}.` });
    return parsed.data;
  } catch (error) {
    throw connectionError(error);
  } finally {
    clearTimeout(timer);
    sent.destroy();
    socket.destroy();
  }
}

/** The text of an answer; RangeError when it is longer than any honest one. */
export async function readBody(response: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > RESPONSE_MAX_BYTES)
      throw new BorealisError('SCHEMA_MISMATCH', { detail: "The engine's answer is too long." });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const problemBody = z.object({
  code: z.string().refine(isErrorCode),
  /** The engine's whole message: the table's sentence, then what exactly was wrong. */
  detail: z.string().max(2_000).optional(),
  next: z.string().max(500).optional(),
});

/** What an answer outside 2xx says; codes that this version does not know become INTERNAL. */
export function problem(status: number, text: string): BorealisError {
  const parsed = problemBody.safeParse(parseJson(text));
  if (!parsed.success)
    return new BorealisError('INTERNAL', { detail: `The engine answered with HTTP status ${status}.` });
  const { code, next } = parsed.data;
  const detail = parsed.data.detail?.replace(ERRORS[code].message, '').trim();
  return new BorealisError(code, { ...(detail ? { detail } : {}), ...(next ? { next } : {}) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema takes undefined, so the caller refuses it
  }
}
