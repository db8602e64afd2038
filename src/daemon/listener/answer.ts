/** Answers of the agents' listener, also on sockets that asked for an upgrade and have no response object. */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BorealisError } from '../../protocol/errors.ts';
import { PROBLEM_TYPE, problemOf } from '../api/problem.ts';

/** A peer that does not close its end is cut after this. */
const LINGER_MS = 2_000;

export const sendJson = (response: ServerResponse, body: object): void => {
  const text = Buffer.from(JSON.stringify(body), 'utf8');
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': text.length,
    'cache-control': 'no-store',
  });
  response.end(text);
};

/** `whole`: everything of the request was read, so the connection can carry another one. */
export const sendProblem = (response: ServerResponse, error: BorealisError, whole: boolean): void => {
  const text = Buffer.from(JSON.stringify(problemOf(error)), 'utf8');
  response.writeHead(error.status, {
    'content-type': PROBLEM_TYPE,
    'content-length': text.length,
    'cache-control': 'no-store',
    ...(error.code === 'RATE_LIMITED' && { 'retry-after': '60' }),
    ...(!whole && { connection: 'close' }),
  });
  response.end(text);
};

/** The same on a bare socket, which is closed after it. */
export const refuseUpgrade = (socket: Duplex, error: BorealisError): void => {
  const text = JSON.stringify(problemOf(error));
  const head = [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}`,
    `Date: ${new Date().toUTCString()}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ];
  const cut = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(cut));
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
};
