/** The client certificate of a connection. TLS verified it against our CA; the rest of what must hold is held here. */
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { CertificateError, type ClientCertificate, parseClientCertificate } from '../../crypto/ca.ts';
import { BorealisError } from '../../protocol/errors.ts';

const expired = (): BorealisError => required('The one presented has expired.');
/** An agent waits long where only an operator can help; this passes when the clock that is wrong is set right. */
const notYetValid = (): BorealisError =>
  new BorealisError('CLOCK_SKEW', { detail: "By the engine's clock the agent's is not valid yet." });
/** OpenSSL's reasons (x509_txt.c) that a person can act on. */
const REASONS: Readonly<Record<string, () => BorealisError>> = {
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: notYetValid,
};

/**
 * Throws BorealisError CERTIFICATE_REQUIRED, CLOCK_SKEW. A resumed session brings its certificate along in the ticket, as
 * verified when it was made: so its dates are looked at again.
 */
export const clientCertificate = (socket: TLSSocket, now: number): ClientCertificate => {
  const presented = socket.getPeerX509Certificate();
  if (!presented) throw required('None was presented.');
  if (!socket.authorized) {
    const reason = socket.authorizationError as Error | string | null;
    const code = reason instanceof Error ? (reason as NodeJS.ErrnoException).code : reason;
    throw REASONS[code ?? '']?.() ?? required('The one presented is not from this engine.');
  }
  const certificate = parse(presented);
  if (!(now < certificate.notAfter.getTime())) throw expired();
  if (!(now >= certificate.notBefore.getTime())) throw notYetValid();
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
