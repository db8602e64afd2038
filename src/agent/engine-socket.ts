/** A WebSocket to the engine: TLS of its own with the agent's certificate, the pinned authority, token and proof. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { proofUrl } from '../protocol/enrolment.ts';
import type { BorealisError } from '../protocol/errors.ts';
import type { Credentials } from './credentials.ts';
import { problem, readBody } from './http.ts';
import { connectionError, dialEngine } from './tls.ts';

/** Where it may have ten thousand others to greet. */
export const HANDSHAKE_MS = 60_000;

export interface EngineSocketOptions {
  readonly credentials: Credentials;
  readonly path: string;
  readonly protocol: string;
  /** Bytes of the largest message that is taken. */
  readonly maxPayload: number;
  readonly handshakeMs?: number;
  /** From `reachEngine`. */
  readonly over: Socket;
  /**
   * It does not open: the engine's own refusal (TOKEN_INVALID, …), PIN_MISMATCH, CLOCK_SKEW, ENGINE_UNREACHABLE. May come
   * twice.
   */
  readonly onRefused: (error: BorealisError) => void;
}

/** Begins to shake hands; the caller listens for `open`, `message` and `close`. */
export const dialWebSocket = (options: EngineSocketOptions): WebSocket => {
  const { credentials, path, protocol, maxPayload, handshakeMs = HANDSHAKE_MS, over, onRefused } = options;
  const socket = new WebSocket(proofUrl(path).replace('https:', 'wss:'), protocol, {
    createConnection: () => {
      const { membership, tlsContext, session } = credentials;
      const connection = dialEngine(membership.address, tlsContext, session, over);
      connection.on('session', (ticket) => {
        credentials.session = ticket;
      });
      return connection;
    },
    headers: credentials.headers('GET', path, true),
    handshakeTimeout: handshakeMs,
    perMessageDeflate: false,
    maxPayload,
    // A mask is for proxies that would take a payload for a request (RFC 6455 §10.3); within TLS there is none. Zeros
    // are skipped, where others cost a pass over every byte.
    generateMask: (mask) => void mask.fill(0),
  });
  socket.on('unexpected-response', (request, response: IncomingMessage) => {
    readBody(response)
      .then((text) => onRefused(problem(response.statusCode ?? 0, text)))
      .catch((error: unknown) => onRefused(connectionError(error)))
      .finally(() => request.destroy());
  });
  socket.on('error', (error) => onRefused(connectionError(error)));
  return socket;
};
