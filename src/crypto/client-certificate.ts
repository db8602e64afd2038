/** Reading client certificates: at each connection of a fleet, so with OpenSSL's parser and without @peculiar/x509. */
import { X509Certificate } from 'node:crypto';
import { type DeviceContext, isContext, isGuid } from './identity.ts';
import { spkiDerToPublicKey } from './keys.ts';

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export interface ClientCertificate {
  readonly guid: string;
  readonly context: DeviceContext;
  /** 32 lower-case hexadecimal digits. */
  readonly serial: string;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** The certificate is not a client certificate of Borealis. */
export class CertificateError extends Error {
  override name = 'CertificateError';
}

export const deviceUri = (guid: string, context: DeviceContext): string =>
  `borealis:device:${guid}:${context}`;

/**
 * What a client certificate (read already, or DER, or PEM) says. It does not verify the signature: that is TLS's part, so
 * ask only on a socket that is `authorized`. Throws CertificateError.
 */
export function parseClientCertificate(from: X509Certificate | Uint8Array | string): ClientCertificate {
  const certificate = from instanceof X509Certificate ? from : read(from);
  const names = /^CN=([^\n]*)\nOU=([^\n]*)$/.exec(certificate.subject);
  const guid = names?.[1];
  const context = names?.[2];
  if (!isGuid(guid) || !isContext(context)) throw new CertificateError('its subject names no device');
  if (certificate.subjectAltName !== `URI:${deviceUri(guid, context)}`)
    throw new CertificateError('its alternative name is not that of its subject');
  if (certificate.ca || certificate.keyUsage?.length !== 1 || certificate.keyUsage[0] !== CLIENT_AUTH)
    throw new CertificateError('it is not for TLS clients only');
  return {
    guid,
    context,
    serial: certificate.serialNumber.toLowerCase().padStart(32, '0'),
    publicKey: publicKeyIn(certificate),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  };
}

/**
 * A certificate is renewed once two thirds of its life are over; an expired one is long due, and so is one that was issued
 * by a clock far ahead, and is not valid yet.
 */
export function renewalDue({ notBefore, notAfter }: { notBefore: Date; notAfter: Date }, now: Date): boolean {
  const from = notBefore.getTime();
  return now.getTime() < from || now.getTime() >= from + ((notAfter.getTime() - from) * 2) / 3;
}

function read(der: Uint8Array | string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new CertificateError('it cannot be read', { cause });
  }
}

function publicKeyIn(certificate: X509Certificate): Uint8Array {
  try {
    return spkiDerToPublicKey(certificate.publicKey.export({ format: 'der', type: 'spki' }));
  } catch (cause) {
    throw new CertificateError('its key is not Ed25519', { cause });
  }
}
