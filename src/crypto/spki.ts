/** Pins: the SHA-256 of a certificate's SubjectPublicKeyInfo (as RFC 7469 §2.4), base64url, 43 characters. */
import { hash, timingSafeEqual, X509Certificate } from 'node:crypto';
import { decodeBase64url } from './base64url.ts';

const PIN_BYTES = 32;

/** The pin of a certificate given as DER or PEM (of several in a PEM, the first). Throws what X509Certificate throws. */
export function spkiPin(certificate: Uint8Array | string): string {
  const spki = new X509Certificate(certificate).publicKey.export({ format: 'der', type: 'spki' });
  return hash('sha256', spki, 'base64url');
}

/** Whether the text is a pin at all: 32 bytes of canonical base64url. */
export function isPin(text: string): boolean {
  return decodeBase64url(text, PIN_BYTES) !== undefined;
}

/** Equal pins, compared in constant time; false when either is not a pin. */
export function samePin(left: string, right: string): boolean {
  const a = decodeBase64url(left, PIN_BYTES);
  const b = decodeBase64url(right, PIN_BYTES);
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
