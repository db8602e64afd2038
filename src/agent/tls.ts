/**
 * TLS to the engine: 1.3 only, X25519 only. The engine is whoever holds a certificate of the pinned authority for the
 * one name `borealis-engine`, whatever address is dialled (docs/protocol.md).
 */
import { X509Certificate } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type DetailedPeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { samePin, spkiPin } from '../crypto/spki.ts';
import { ENGINE_SERVER_NAME } from '../protocol/enrolment.ts';
import { BorealisError } from '../protocol/errors.ts';

export interface EngineAddress {
  /** Name or IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

const PROFILE = { minVersion: 'TLSv1.3', ecdhCurve: 'X25519' } as const;
const CONNECT_MS = 20_000;
const HANDSHAKE_MS = 20_000;
/** Longer chains than leaf and authority are not ours; the bound keeps a loop of issuers from being walked for ever. */
const CHAIN_LENGTH = 8;

export interface ContextParts {
  /** PEM of the pinned authority. */
  readonly authority: string;
  /** PEM of the identity key and its certificate; absent before enrolment. */
  readonly key?: string;
  readonly certificate?: string;
}

/** May be shared by all connections of one identity. */
export const engineContext = ({ authority, key, certificate }: ContextParts): SecureContext =>
  createSecureContext({
    ...PROFILE,
    ca: authority,
    ...(key === undefined ? {} : { key }),
    ...(certificate === undefined ? {} : { cert: certificate }),
  });

/**
 * A TCP connection to where the engine listens. Tried before anything is signed for it: while the engine is away, an attempt costs
 * nothing but this. Errors: ENGINE_UNREACHABLE, CANCELLED.
 */
export async function reachEngine(
  { host, port }: EngineAddress,
  signal: AbortSignal,
  limitMs = CONNECT_MS,
): Promise<Socket> {
  const socket = connectTcp({ host, port, noDelay: true });
  await established(socket, 'connect', { limitMs, late: 'no connection', signal });
  return socket;
}

/**
 * Begins to connect, or to shake hands over the connection that is there; the socket fails with an error unless the engine proves
 * to be the engine.
 */
export function dialEngine(
  { host, port }: EngineAddress,
  context: SecureContext,
  session?: Buffer | undefined,
  over?: Socket | undefined,
): TLSSocket {
  return connect({
    ...base(host, port),
    secureContext: context,
    session,
    rejectUnauthorized: true,
    ...(over && { socket: over }),
  });
}

/**
 * The authority that the engine presents, as PEM, if it is the pinned one. Nothing is sent on this connection.
 * Errors: PIN_MISMATCH, ENGINE_UNREACHABLE.
 */
export async function fetchAuthority(
  { host, port }: EngineAddress,
  pin: string,
  signal?: AbortSignal,
): Promise<string> {
  // Unverified on purpose: there is nothing to verify against yet. What is presented only counts if the pin says so,
  // and the connection that is then used verifies the whole chain.
  const socket = connect({ ...base(host, port), ...PROFILE, rejectUnauthorized: false });
  try {
    await secured(socket, signal);
    const authority = presentedChain(socket).find(
      (certificate) => certificate.ca && samePin(spkiPin(certificate.raw), pin),
    );
    if (!authority) throw new BorealisError('PIN_MISMATCH');
    return authority.toString();
  } finally {
    socket.destroy();
  }
}

/** Waits for the handshake. Errors: PIN_MISMATCH, CLOCK_SKEW, ENGINE_UNREACHABLE, CANCELLED. */
export async function secured(socket: TLSSocket, signal?: AbortSignal): Promise<TLSSocket> {
  const late = `no TLS handshake within ${HANDSHAKE_MS / 1_000} s`;
  await established(socket, 'secureConnect', { limitMs: HANDSHAKE_MS, late, signal });
  return socket;
}

interface Patience {
  readonly limitMs: number;
  /** What is wrong where it took longer. */
  readonly late: string;
  readonly signal: AbortSignal | undefined;
}

/** Waits for that event; a socket that takes too long is destroyed. */
async function established(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { limitMs, late, signal }: Patience,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => socket.destroy(new Error(late)), limitMs);
  const abort = () => socket.destroy(new BorealisError('CANCELLED'));
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  socket.once(event, resolve);
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('the connection was closed')));
  try {
    await promise;
  } catch (error) {
    throw connectionError(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** What a failed connection means to a person: somebody else answered, or nobody did. */
export function connectionError(error: unknown): BorealisError {
  if (error instanceof BorealisError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined && NOT_NOW.has(code))
    return new BorealisError('CLOCK_SKEW', {
      detail: `By the clock of this device the engine's is not (${code}).`,
      cause: error,
    });
  if (code !== undefined && (NOT_THE_ENGINE.has(code) || code.startsWith('ERR_TLS_CERT')))
    return new BorealisError('PIN_MISMATCH', { detail: `TLS says ${code}.`, cause: error });
  if (code !== undefined && /^ERR_SSL_.*ALERT.*(CERTIFICATE|UNKNOWN_CA)/.test(code))
    return new BorealisError('CERTIFICATE_REQUIRED', {
      detail: `The engine refused this agent's certificate (${code}).`,
      next: 'Check the clock; if the agent was away for weeks, enrol it again.',
      cause: error,
    });
  return new BorealisError('ENGINE_UNREACHABLE', {
    detail: `${message.replace(/\.$/, '')}.`,
    next: 'Check the address, the network and that the engine runs.',
    cause: error,
  });
}

/**
 * Whether TLS itself failed, in what `connectionError` made of it: not the network below, nor the engine above. A ticket of
 * a session whose certificate was refused for its time would bring that verdict along when the time is right.
 */
export const handshakeFailed = ({ code, cause }: BorealisError): boolean =>
  code === 'PIN_MISMATCH' ||
  code === 'CLOCK_SKEW' ||
  code === 'CERTIFICATE_REQUIRED' ||
  /^(ERR_SSL_|EPROTO)/.test((cause as NodeJS.ErrnoException | undefined)?.code ?? '');

/** Errors of OpenSSL's certificate verification, by the names that Node gives them (X509_V_ERR_…). */
const NOT_THE_ENGINE = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * The same of a certificate whose time is not now. They hide what else is wrong with it: whoever shows it is not known to
 * be the engine. But nothing is sent to them, and a clock is set right sooner than an operator comes: it is tried again soon.
 */
const NOT_NOW = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

const base = (host: string, port: number): ConnectionOptions => ({
  host,
  port,
  servername: ENGINE_SERVER_NAME,
  ALPNProtocols: ['http/1.1'],
});

function presentedChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (next?.raw && chain.length < CHAIN_LENGTH) {
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}
