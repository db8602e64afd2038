/** The engine's certificate authority: one self-signed ECDSA P-384 certificate (RFC 5280) that agents pin. */
import {
  createPrivateKey,
  KeyObject,
  X509Certificate as NodeCertificate,
  randomBytes,
  webcrypto,
} from 'node:crypto';
import { spkiPin } from './spki.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

const AUTHORITY_DAYS = 3650;
const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-384' } as const;
const SIGNING_ALGORITHM = { ...KEY_ALGORITHM, hash: 'SHA-384' } as const;
export const DAY_MS = 24 * 60 * 60 * 1000;
/**
 * Certificates begin in the past: for clocks that are behind, and so that what was issued while the engine's own was ahead,
 * set to a local time say, is valid once that is set right.
 */
export const SKEW_MS = DAY_MS;

export interface AuthorityPems {
  readonly certificatePem: string;
  /** PKCS#8. To be kept sealed. */
  readonly privateKeyPem: string;
}

/** A loaded authority: its keys are parsed once, so that it can issue thousands. */
export interface Authority {
  readonly certificatePem: string;
  /** `spkiPin` of its certificate. */
  readonly pin: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly issue: (request: LeafRequest) => Promise<X509Certificate>;
}

/** What a leaf certificate says. `spki`: the subject's key, DER. */
export interface LeafRequest {
  readonly subject: JsonName;
  readonly spki: Uint8Array;
  readonly serial: string;
  readonly now: Date;
  readonly days: number;
  readonly extensions: readonly Extension[];
}

export class AuthorityError extends Error {
  override name = 'AuthorityError';
}

/**
 * A new authority of ten years: CA:true, path length 0, so that what it signs can sign nothing.
 * `commonName`: letters, digits, spaces and . _ - only (RangeError otherwise), 64 at most (X.520 ub-common-name).
 */
export async function createAuthority(options: { now: Date; commonName: string }): Promise<AuthorityPems> {
  // @peculiar/x509 reads quotes and signs in a name as syntax, and would write another name than was asked for.
  if (!/^[\p{L}\p{N} ._-]{1,64}$/u.test(options.commonName))
    throw new RangeError('that is no name for an authority');
  const keys = await webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
  const notBefore = new Date(options.now.getTime() - SKEW_MS);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: [options.commonName] }],
      serialNumber: newSerial(),
      notBefore,
      notAfter: new Date(options.now.getTime() + AUTHORITY_DAYS * DAY_MS),
      signingAlgorithm: SIGNING_ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: KeyObject.from(keys.privateKey).export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** Throws AuthorityError when the PEMs cannot be read, do not belong together or are not such an authority. */
export async function loadAuthority({ certificatePem, privateKeyPem }: AuthorityPems): Promise<Authority> {
  const { certificate, privateKey } = readPems({ certificatePem, privateKeyPem });
  const signingKey = privateKey.toCryptoKey(KEY_ALGORITHM, false, ['sign']);
  const issuer = new X509Certificate(certificate.raw);
  const issuerKeyId = await AuthorityKeyIdentifierExtension.create(issuer.publicKey);
  const notBefore = certificate.validFromDate;
  const notAfter = certificate.validToDate;

  async function issue(request: LeafRequest): Promise<X509Certificate> {
    const from = Math.max(request.now.getTime() - SKEW_MS, notBefore.getTime());
    // Nothing outlives the authority: a chain with an expired end verifies nowhere.
    const until = Math.min(request.now.getTime() + request.days * DAY_MS, notAfter.getTime());
    if (!(from < until) || !(request.days > 0))
      throw new AuthorityError('the authority has expired, or the days are none');
    return X509CertificateGenerator.create(
      {
        subject: request.subject,
        issuer: issuer.subjectName,
        publicKey: request.spki,
        serialNumber: request.serial,
        notBefore: new Date(from),
        notAfter: new Date(until),
        signingKey,
        signingAlgorithm: SIGNING_ALGORITHM,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          issuerKeyId,
          ...request.extensions,
        ],
      },
      webcrypto,
    );
  }

  return { certificatePem, pin: spkiPin(certificatePem), notBefore, notAfter, issue };
}

function readPems(pems: AuthorityPems): { certificate: NodeCertificate; privateKey: KeyObject } {
  let certificate: NodeCertificate;
  let privateKey: KeyObject;
  try {
    certificate = new NodeCertificate(pems.certificatePem);
    privateKey = createPrivateKey(pems.privateKeyPem);
  } catch (cause) {
    throw new AuthorityError('the certificate or the key of the authority cannot be read', { cause });
  }
  if (!certificate.checkPrivateKey(privateKey))
    throw new AuthorityError('the key of the authority does not belong to its certificate');
  if (!certificate.ca || privateKey.asymmetricKeyDetails?.namedCurve !== 'secp384r1')
    throw new AuthorityError('the certificate is not that of an ECDSA P-384 authority');
  return { certificate, privateKey };
}

/** 128 random bits, 32 hexadecimal digits (RFC 5280 §4.1.2.2 allows 160). */
export const newSerial = (): string => randomBytes(16).toString('hex');
