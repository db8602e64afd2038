/** The client certificate of a connection. TLS verified it against our CA; the rest of what must hold is held here. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { CertificateError, type ClientCertificate, parseClientCertificate } from '../../crypto/ca.ts';
import { BorealisError } from '../../protocol/errors.ts';

/** OpenSSL's reasons (x509_txt.c) that a person can act on. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'The one presented has expired.',
  CERT_NOT_YET_VALID: 'The one presented is not valid yet.',
};

/**
 * Throws BorealisError CERTIFICATE_REQUIRED. A resumed session brings its certificate along in the ticket, as verified
 * when it was made: so its dates are looked at again.
 */
export const clientCertificate = (socket: TLSSocket, now: number): ClientCertificate => {
  const presented = socket.getPeerX509Certificate();
  if (!presented) throw required('None was presented.');
  if (!socket.authorized) {
    const reason = socket.authorizationError as Error | string | null;
    const code = reason instanceof Error ? (reason as NodeJS.ErrnoException).code : reason;
    throw required(REASONS[code ?? ''] ?? 'The one presented is not from this engine.');
  }
  const certificate = parse(presented);
  if (!(now < certificate.notAfter.getTime())) throw required(REASONS.CERT_HAS_EXPIRED!);
  if (!(now >= certificate.notBefore.getTime())) throw required(REASONS.CERT_NOT_YET_VALID!);
  return certificate;
};

const parse = (presented: X509Certificate): ClientCertificate => {
  try {
    return parseClientCertificate(presented);
  } catch (error) {
    if (error instanceof CertificateError)
      throw required(`The one presented is not an agent’s: ${error.message}.`);
    throw error;
  }
};

const required = (detail: string): BorealisError => new BorealisError('CERTIFICATE_REQUIRED', { detail });
