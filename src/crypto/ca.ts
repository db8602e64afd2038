/**
 * Certificates of the engine's authority. Server leafs carry the name `borealis-engine` whatever the host is called, so
 * that agents verify one name on every address. Client certificates name a device and one of its contexts.
 */
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { type Authority, newSerial } from './authority.ts';
import { deviceUri } from './client-certificate.ts';
import { acceptablePublicKey } from './ed25519-encoding.ts';
import { type DeviceContext, isContext, isGuid } from './identity.ts';
import { publicKeyToSpkiDer } from './keys.ts';
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
} from './x509.ts';

export {
  type Authority,
  AuthorityError,
  type AuthorityPems,
  createAuthority,
  loadAuthority,
} from './authority.ts';
export {
  CertificateError,
  type ClientCertificate,
  parseClientCertificate,
  renewalDue,
} from './client-certificate.ts';

/** In every server certificate; what agents give as `servername`. */
export const ENGINE_NAME = 'borealis-engine';
export const CLIENT_CERTIFICATE_DAYS = 30;

export interface ServerCertificateRequest {
  /** Further DNS names of the engine. */
  readonly names: readonly string[];
  /** Its IP addresses, v4 or v6. */
  readonly addresses: readonly string[];
  readonly now: Date;
  readonly days: number;
}

/** A fresh P-256 key and its certificate, for TLS servers only. */
export async function issueServerCertificate(
  authority: Authority,
  { names, addresses, now, days }: ServerCertificateRequest,
): Promise<{ certificatePem: string; privateKeyPem: string }> {
  const keys = await promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' });
  const dns = new Set([ENGINE_NAME, ...names]);
  const certificate = await authority.issue({
    subject: [{ CN: [ENGINE_NAME] }],
    spki: keys.publicKey.export({ format: 'der', type: 'spki' }),
    serial: newSerial(),
    now,
    days,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...Array.from(dns, (value) => ({ type: 'dns' as const, value })),
        ...Array.from(new Set(addresses), (value) => ({ type: 'ip' as const, value })),
      ]),
    ],
  });
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    privateKeyPem: keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

export interface ClientCertificateRequest {
  /** Lower-case GUID of the device. */
  readonly guid: string;
  readonly context: DeviceContext;
  /** The agent's Ed25519 key, 32 bytes, whose possession has been proved. */
  readonly publicKey: Uint8Array;
  readonly now: Date;
  readonly days?: number;
}

export interface IssuedClientCertificate {
  readonly certificatePem: string;
  /** 32 lower-case hexadecimal digits. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** RangeError when GUID, context or key are not what they should be. */
export async function issueClientCertificate(
  authority: Authority,
  { guid, context, publicKey, now, days = CLIENT_CERTIFICATE_DAYS }: ClientCertificateRequest,
): Promise<IssuedClientCertificate> {
  if (!isGuid(guid) || !isContext(context))
    throw new RangeError('a client certificate names a GUID and a context');
  if (!acceptablePublicKey(publicKey))
    throw new RangeError('a client certificate certifies a sound Ed25519 key');
  const serial = newSerial();
  const certificate = await authority.issue({
    subject: [{ CN: [guid] }, { OU: [context] }],
    spki: publicKeyToSpkiDer(publicKey),
    serial,
    now,
    days,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([{ type: 'url', value: deviceUri(guid, context) }]),
    ],
  });
  return {
    certificatePem: `${certificate.toString('pem')}\n`,
    serial,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  };
}
