/** Errors as RFC 9457 problem details. What is not an error of ours says nothing of the inside. */
import { STATUS_CODES } from 'node:http';
import { BorealisError, ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import type { Problem } from '../../protocol/operations.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** Fastify's own refusals (its lib/errors.js), in our codes. */
const FASTIFY: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'INVALID_JSON',
  FST_ERR_CTP_INVALID_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'INVALID_JSON',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'INVALID_JSON',
  FST_ERR_BAD_URL: 'NO_SUCH_OPERATION',
  FST_ERR_MAX_PARAM_LENGTH: 'NO_SUCH_OPERATION',
};

/** Where a file, not the store, met a full disk: a backup being checked, a configuration being written. */
const DISK: Readonly<Record<string, ErrorCode>> = { ENOSPC: 'DISK_FULL', EDQUOT: 'DISK_FULL' };

/** A caller that left in the middle of what it sent is no fault of the engine. */
const HANG_UPS: Readonly<Record<string, ErrorCode>> = {
  ECONNRESET: 'CANCELLED',
  EPIPE: 'CANCELLED',
  ERR_STREAM_PREMATURE_CLOSE: 'CANCELLED',
};

/** The error as one of ours; `unexpected` where it is a fault of the engine, to be logged with its stack. */
export const asBorealisError = (error: unknown): { error: BorealisError; unexpected: boolean } => {
  if (error instanceof BorealisError) return { error, unexpected: error.code === 'INTERNAL' };
  const found = error instanceof Error && 'code' in error ? String(error.code) : '';
  const code = FASTIFY[found] ?? DISK[found] ?? HANG_UPS[found];
  if (code) return { error: new BorealisError(code, { cause: error }), unexpected: false };
  return { error: new BorealisError('INTERNAL', { cause: error }), unexpected: true };
};

export const problemOf = (error: BorealisError): Problem => ({
  type: `urn:borealis:error:${error.code}`,
  title: ERRORS[error.code].message,
  status: error.status,
  detail: error.message,
  code: error.code,
  next: error.next,
});

/** A whole HTTP response with the problem, for connections on which no response object exists. The connection ends. */
export const rawProblem = (error: BorealisError): string => {
  const body = JSON.stringify(problemOf(error));
  return (
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\nContent-Type: ${PROBLEM_TYPE}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
};
