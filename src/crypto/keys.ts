/** Ed25519 keys in the forms that TLS, certificates and JWTs want (RFC 8410, RFC 8037), and back. */
import { createPrivateKey, createPublicKey, hash } from 'node:crypto';
import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { PUBLIC_KEY_BYTES, SEED_BYTES } from './ed25519-encoding.ts';
import { pkcs8ToSeed, publicKeyToSpki, seedToPkcs8, spkiToPublicKey } from './keys-der.ts';

/** The text, DER or JWK is not an Ed25519 key of the wanted kind. Says nothing of its content. */
export class KeyFormatError extends Error {
  override name = 'KeyFormatError';
}

/** An Ed25519 public key as a JWK: exactly these members (RFC 8037 §2). */
export interface Ed25519Jwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** The 32 bytes as base64url. */
  readonly x: string;
}

function demandLength(bytes: Uint8Array, length: number, what: string): void {
  if (!(bytes instanceof Uint8Array) || bytes.length !== length)
    throw new RangeError(`an Ed25519 ${what} is ${length} bytes`);
}

/** PKCS#8 PEM of a seed, as `tls.connect({ key })` takes it. */
export function seedToPem(seed: Uint8Array): string {
  demandLength(seed, SEED_BYTES, 'seed');
  return createPrivateKey({ key: seedToPkcs8(seed), format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

/** The seed in a PKCS#8 PEM; KeyFormatError for anything else, encrypted keys included. */
export function pemToSeed(pem: string): Uint8Array {
  let der: Buffer;
  try {
    der = createPrivateKey({ key: pem, format: 'pem' }).export({ format: 'der', type: 'pkcs8' });
  } catch {
    // OpenSSL's reasons name offsets and routines, never what a person can do about it.
    throw new KeyFormatError('not a PKCS#8 PEM private key');
  }
  const seed = pkcs8ToSeed(der);
  if (!seed) throw new KeyFormatError('the private key is not Ed25519');
  return seed;
}

/** SubjectPublicKeyInfo, DER, 44 bytes. */
export function publicKeyToSpkiDer(publicKey: Uint8Array): Buffer {
  demandLength(publicKey, PUBLIC_KEY_BYTES, 'public key');
  return publicKeyToSpki(publicKey);
}

/** The 32 bytes in a SubjectPublicKeyInfo; KeyFormatError for another algorithm, length or trailing bytes. */
export function spkiDerToPublicKey(der: Uint8Array): Uint8Array {
  const publicKey = spkiToPublicKey(der);
  if (!publicKey) throw new KeyFormatError('not the SubjectPublicKeyInfo of an Ed25519 key');
  return publicKey;
}

export function publicKeyToJwk(publicKey: Uint8Array): Ed25519Jwk {
  demandLength(publicKey, PUBLIC_KEY_BYTES, 'public key');
  return { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(publicKey) };
}

/** The 32 bytes of a JWK with exactly kty, crv and x. A private `d`, or any other member, is a KeyFormatError. */
export function jwkToPublicKey(jwk: unknown): Uint8Array {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk))
    throw new KeyFormatError('the JWK is not an object');
  const { kty, crv, x, ...others } = jwk as Record<string, unknown>;
  if (kty !== 'OKP' || crv !== 'Ed25519') throw new KeyFormatError('the JWK is not an Ed25519 key');
  if ('d' in others) throw new KeyFormatError('the JWK holds a private key');
  if (Object.keys(others).length > 0) throw new KeyFormatError('the JWK has members besides kty, crv and x');
  const publicKey = typeof x === 'string' ? decodeBase64url(x, PUBLIC_KEY_BYTES) : undefined;
  if (!publicKey) throw new KeyFormatError('the JWK member x is not 32 bytes of base64url');
  return new Uint8Array(publicKey);
}

/** RFC 7638 thumbprint (SHA-256, base64url): the `jkt` of tokens and proofs, the `kid` of envelopes. */
export function jwkThumbprint(publicKey: Uint8Array): string {
  demandLength(publicKey, PUBLIC_KEY_BYTES, 'public key');
  // The required members in lexical order, without white space: RFC 7638 §3.2, RFC 8037 §2.
  return hash('sha256', `{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64url(publicKey)}"}`, 'base64url');
}

/** What people compare before they approve an enrolment: SHA-256 of the raw public key, 64 hexadecimal digits. */
export function keyFingerprint(publicKey: Uint8Array): string {
  demandLength(publicKey, PUBLIC_KEY_BYTES, 'public key');
  return hash('sha256', publicKey, 'hex');
}

/** The raw key inside a certificate or key object of node:crypto; KeyFormatError when it is not Ed25519. */
export function rawPublicKey(key: Parameters<typeof createPublicKey>[0]): Uint8Array {
  return spkiDerToPublicKey(createPublicKey(key).export({ format: 'der', type: 'spki' }));
}
