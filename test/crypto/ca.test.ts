import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, randomUUID, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { newSerial } from '../../src/crypto/authority.ts';
import {
  type Authority,
  AuthorityError,
  type AuthorityPems,
  CertificateError,
  createAuthority,
  issueClientCertificate,
  issueServerCertificate,
  loadAuthority,
  parseClientCertificate,
  renewalDue,
} from '../../src/crypto/ca.ts';
import { generateEd25519 } from '../../src/crypto/ed25519.ts';
import { publicKeyToSpkiDer } from '../../src/crypto/keys.ts';
import { spkiPin } from '../../src/crypto/spki.ts';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonName,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '../../src/crypto/x509.ts';
import { mutations } from './tampering.ts';

const day = 24 * 60 * 60 * 1000;
const now = new Date('2026-03-01T12:00:00Z');
const guid = randomUUID();
const agent = generateEd25519();
let pems: AuthorityPems;
let authority: Authority;
let folder: string;

beforeAll(async () => {
  pems = await createAuthority({ now, commonName: 'Borealis CA' });
  authority = await loadAuthority(pems);
  folder = mkdtempSync(join(tmpdir(), 'borealis-ca-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const client = (context: 'system' | 'user' = 'system') =>
  issueClientCertificate(authority, { guid, context, publicKey: agent.publicKey, now });

/** `openssl verify` in its strictest mode at the time `when`. */
function opensslVerify(
  certificatePem: string,
  purpose: 'sslclient' | 'sslserver',
  when = now,
  ca = pems.certificatePem,
) {
  const [caFile, file] = [join(folder, 'ca.pem'), join(folder, 'leaf.pem')];
  writeFileSync(caFile, ca);
  writeFileSync(file, certificatePem);
  const at = String(Math.floor(when.getTime() / 1000));
  const args = [
    'verify',
    '-x509_strict',
    '-check_ss_sig',
    '-attime',
    at,
    '-purpose',
    purpose,
    '-CAfile',
    caFile,
    file,
  ];
  return execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
}
const opensslText = (pem: string): string =>
  execFileSync('openssl', ['x509', '-noout', '-text'], { input: pem, encoding: 'utf8' });

describe('the authority', () => {
  it('is a self-signed P-384 certificate of ten years that may sign leafs only', () => {
    const text = opensslText(pems.certificatePem);
    expect(text).toContain('NIST CURVE: P-384');
    expect(text).toContain('ecdsa-with-SHA384');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
    const certificate = new X509Certificate(pems.certificatePem);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validFromDate.getTime()).toBe(now.getTime() - day);
    expect(certificate.validToDate.getTime()).toBe(now.getTime() + 3650 * day);
    expect(authority.notAfter).toEqual(certificate.validToDate);
    expect(authority.pin).toBe(spkiPin(pems.certificatePem));
  });

  it.each(['Borealis engine-1.example_', 'Ærø 7'])('is named as it was asked: %s', async (commonName) => {
    const named = await createAuthority({ now, commonName });
    expect(new X509Certificate(named.certificatePem).subject).toBe(`CN=${commonName}`);
  });

  it.each(['', 'a, CN=b', 'a+OU=b', '"b"', '#0500', 'a\\b', 'a\nb', 'n'.repeat(65)])(
    'is not named %j',
    async (commonName) => {
      await expect(createAuthority({ now, commonName })).rejects.toThrow(RangeError);
    },
  );

  it('is loaded only with its own key', async () => {
    const other = await createAuthority({ now, commonName: 'Borealis' });
    const mixed = { certificatePem: pems.certificatePem, privateKeyPem: other.privateKeyPem };
    await expect(loadAuthority(mixed)).rejects.toThrow(AuthorityError);
  });

  it('is not a leaf, and not of another curve', async () => {
    const leaf = await issueServerCertificate(authority, { names: [], addresses: [], now, days: 1 });
    await expect(loadAuthority(leaf)).rejects.toThrow(AuthorityError);
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const spki = p384.publicKey.export({ format: 'der', type: 'spki' });
    const noAuthority = await authority.issue({
      subject: [{ CN: ['x'] }],
      spki,
      serial: newSerial(),
      now,
      days: 1,
      extensions: [],
    });
    const key = p384.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const leafOfThatCurve = { certificatePem: noAuthority.toString('pem'), privateKeyPem: key };
    await expect(loadAuthority(leafOfThatCurve)).rejects.toThrow(AuthorityError);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const privateKeyPem = rsa.export({ format: 'pem', type: 'pkcs8' }).toString();
    await expect(loadAuthority({ ...pems, privateKeyPem })).rejects.toThrow(AuthorityError);
  });

  test.each(['', 'no PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])(
    'is not loaded from %j',
    async (text) => {
      await expect(loadAuthority({ ...pems, certificatePem: text })).rejects.toThrow(AuthorityError);
      await expect(loadAuthority({ ...pems, privateKeyPem: text })).rejects.toThrow(AuthorityError);
    },
  );

  it('gives serials of 128 random bits', () => {
    const serials = Array.from({ length: 500 }, newSerial);
    expect(new Set(serials).size).toBe(500);
    for (const serial of serials) expect(serial).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('a server certificate', () => {
  it('names the engine always, and what else it is asked to', async () => {
    const issued = await issueServerCertificate(authority, {
      names: ['engine.example', 'borealis-engine'],
      addresses: ['192.0.2.7', '2001:db8::7', '192.0.2.7'],
      now,
      days: 90,
    });
    const certificate = new X509Certificate(issued.certificatePem);
    expect(certificate.subjectAltName).toBe(
      'DNS:borealis-engine, DNS:engine.example, IP Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7',
    );
    expect(certificate.checkHost('borealis-engine')).toBe('borealis-engine');
    expect(certificate.checkHost('engine.example')).toBe('engine.example');
    expect(certificate.checkHost('other.example')).toBeUndefined();
    expect(certificate.checkIP('2001:db8::7')).toBe('2001:db8::7');
    expect(certificate.checkPrivateKey(createPrivateKey(issued.privateKeyPem))).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(certificate.validToDate.getTime()).toBe(now.getTime() + 90 * day);
    expect(opensslVerify(issued.certificatePem, 'sslserver')).toContain('OK');
    expect(() => opensslVerify(issued.certificatePem, 'sslclient')).toThrow(/purpose/);
    expect(() => parseClientCertificate(issued.certificatePem)).toThrow(CertificateError);
  });

  it('has a new key each time', async () => {
    const ask = () => issueServerCertificate(authority, { names: [], addresses: [], now, days: 1 });
    const [one, two] = await Promise.all([ask(), ask()]);
    expect(spkiPin(one.certificatePem)).not.toBe(spkiPin(two.certificatePem));
  });

  it('is not issued for what is no IP address', async () => {
    await expect(
      issueServerCertificate(authority, { names: [], addresses: ['not-ip'], now, days: 1 }),
    ).rejects.toThrow();
  });
});

describe('a client certificate', () => {
  it.each(['system', 'user'] as const)(
    'names device and %s context, for 30 days, for clients only',
    async (context) => {
      const issued = await client(context);
      expect(opensslVerify(issued.certificatePem, 'sslclient')).toContain('OK');
      expect(() => opensslVerify(issued.certificatePem, 'sslserver')).toThrow(/purpose/);
      const text = opensslText(issued.certificatePem);
      expect(text).toContain(`Subject: CN = ${guid}, OU = ${context}`);
      expect(text).toContain(`URI:borealis:device:${guid}:${context}`);
      expect(text).toContain('ED25519');
      expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
      expect(text).toMatch(/Key Usage: critical\s+Digital Signature\s/);
      expect(issued.notBefore.getTime()).toBe(now.getTime() - day);
      expect(issued.notAfter.getTime()).toBe(now.getTime() + 30 * day);
    },
  );

  it('is read back, from PEM and DER', async () => {
    const issued = await client('user');
    const said = {
      guid,
      context: 'user',
      serial: issued.serial,
      publicKey: agent.publicKey,
      notBefore: issued.notBefore,
      notAfter: issued.notAfter,
    };
    expect(parseClientCertificate(issued.certificatePem)).toEqual(said);
    expect(parseClientCertificate(new X509Certificate(issued.certificatePem).raw)).toEqual(said);
  });

  it('has its serial at full length even when it begins with zeros', async () => {
    for (const serial of [
      '00000000000000000000000000000001',
      '0080ffffffffffffffffffffffffffff',
      `ff${'0'.repeat(30)}`,
    ]) {
      const certificate = await authority.issue({
        subject: [{ CN: [guid] }, { OU: ['system'] }],
        spki: publicKeyToSpkiDer(agent.publicKey),
        serial,
        now,
        days: 1,
        extensions: [
          new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
          new SubjectAlternativeNameExtension([{ type: 'url', value: `borealis:device:${guid}:system` }]),
        ],
      });
      expect(parseClientCertificate(new Uint8Array(certificate.rawData)).serial).toBe(serial);
    }
  });

  it('verifies a day early, and not after its end', async () => {
    const issued = await client();
    const verifies = (offset: number) =>
      opensslVerify(issued.certificatePem, 'sslclient', new Date(now.getTime() + offset));
    expect(verifies(-day)).toContain('OK');
    expect(verifies(30 * day - 1000)).toContain('OK');
    expect(() => verifies(-day - 1000)).toThrow(/not yet valid/);
    expect(() => verifies(30 * day + 1000)).toThrow(/expired/);
  });

  it('does not verify under another authority of the same name', async () => {
    const other = await createAuthority({ now, commonName: 'Borealis CA' });
    const issued = await client();
    expect(() => opensslVerify(issued.certificatePem, 'sslclient', now, other.certificatePem)).toThrow();
  });

  it('does not outlive its authority, and is not issued by an expired one', async () => {
    const late = new Date(authority.notAfter.getTime() - 10 * day);
    const issued = await issueClientCertificate(authority, {
      guid,
      context: 'system',
      publicKey: agent.publicKey,
      now: late,
    });
    expect(issued.notAfter).toEqual(authority.notAfter);
    const tooLate = new Date(authority.notAfter.getTime() + 10 * day);
    await expect(
      issueClientCertificate(authority, {
        guid,
        context: 'system',
        publicKey: agent.publicKey,
        now: tooLate,
      }),
    ).rejects.toThrow(AuthorityError);
  });

  test.each<[string, object]>([
    ['no GUID', { guid: 'root' }],
    ['a GUID with a line end', { guid: `${guid}\n` }],
    ['a GUID in capitals', { guid: guid.toUpperCase() }],
    ['another context', { context: 'root' }],
    ['no context', { context: undefined }],
    ['a key too short', { publicKey: Buffer.alloc(31, 1) }],
    ['a key of small order', { publicKey: Buffer.alloc(32) }],
    ['no days', { days: 0 }],
    ['days that are no number', { days: Number.NaN }],
  ])('is not issued for %s', async (_name, wrong) => {
    const request = { guid, context: 'system' as const, publicKey: agent.publicKey, now, ...wrong };
    await expect(issueClientCertificate(authority, request)).rejects.toThrow();
  });

  const uri = `borealis:device:${guid}:system`;
  const named: JsonName = [{ CN: [guid] }, { OU: ['system'] }];
  const edSpki = publicKeyToSpkiDer(agent.publicKey);
  const ecSpki = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    format: 'der',
    type: 'spki',
  });
  const clientAuth = ExtendedKeyUsage.clientAuth;
  test.each<[string, JsonName, string[], ExtendedKeyUsage[], Uint8Array]>([
    ['no context', [{ CN: [guid] }], [uri], [clientAuth], edSpki],
    ['another context', [{ CN: [guid] }, { OU: ['root'] }], [uri], [clientAuth], edSpki],
    ['no GUID', [{ CN: ['root'] }, { OU: ['system'] }], [uri], [clientAuth], edSpki],
    ['two names', [...named, { CN: [randomUUID()] }], [uri], [clientAuth], edSpki],
    ['names in another order', [...named].reverse(), [uri], [clientAuth], edSpki],
    [
      'a line end in a name',
      [{ CN: [`${guid}\nOU=system`] }, { OU: ['system'] }],
      [uri],
      [clientAuth],
      edSpki,
    ],
    ['the URI of another device', named, [`borealis:device:${randomUUID()}:system`], [clientAuth], edSpki],
    ['the URI of the other context', named, [`borealis:device:${guid}:user`], [clientAuth], edSpki],
    ['two URIs', named, [uri, uri], [clientAuth], edSpki],
    ['no URI', named, [], [clientAuth], edSpki],
    ['use for servers', named, [uri], [ExtendedKeyUsage.serverAuth], edSpki],
    ['use for servers too', named, [uri], [clientAuth, ExtendedKeyUsage.serverAuth], edSpki],
    ['no use', named, [uri], [], edSpki],
    ['an EC key', named, [uri], [clientAuth], ecSpki],
  ])('is not one with %s, though of our authority', async (_name, subject, uris, usages, spki) => {
    const certificate = await authority.issue({
      subject,
      spki,
      serial: newSerial(),
      now,
      days: 1,
      extensions: [
        ...(usages.length > 0 ? [new ExtendedKeyUsageExtension(usages)] : []),
        ...(uris.length > 0
          ? [new SubjectAlternativeNameExtension(uris.map((value) => ({ type: 'url' as const, value })))]
          : []),
      ],
    });
    expect(() => parseClientCertificate(new Uint8Array(certificate.rawData))).toThrow(CertificateError);
  });

  it('is not that of an authority, even one that has all else', async () => {
    expect(() => parseClientCertificate(pems.certificatePem)).toThrow(CertificateError);
    const pair = generateKeyPairSync('ed25519');
    const keys = {
      privateKey: pair.privateKey.toCryptoKey('Ed25519', true, ['sign']),
      publicKey: pair.publicKey.toCryptoKey('Ed25519', true, ['verify']),
    };
    const ask = (ca: boolean) =>
      X509CertificateGenerator.createSelfSigned({
        name: named,
        keys,
        signingAlgorithm: { name: 'Ed25519' },
        extensions: [
          new BasicConstraintsExtension(ca, undefined, true),
          new ExtendedKeyUsageExtension([clientAuth]),
          new SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
        ],
      });
    expect(parseClientCertificate((await ask(false)).toString('pem'))).toMatchObject({ guid });
    expect(() => parseClientCertificate('')).toThrow(CertificateError);
    const { rawData } = await ask(true);
    expect(() => parseClientCertificate(new Uint8Array(rawData))).toThrow(CertificateError);
  });

  it('after any mutation does not verify, and does not crash the reader', async () => {
    const { raw } = new X509Certificate((await client()).certificatePem);
    const { publicKey } = new X509Certificate(pems.certificatePem);
    fc.assert(
      fc.property(mutations(raw), (changed) => {
        try {
          parseClientCertificate(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(CertificateError);
          return;
        }
        // Bytes behind the certificate are not part of it: OpenSSL leaves them unread.
        const read = new X509Certificate(changed);
        expect(read.raw.equals(raw) || !read.verify(publicKey)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('renewal', () => {
  const notBefore = new Date(0);
  const notAfter = new Date(30 * day);

  it.each([
    [-1, true],
    [0, false],
    [20 * day - 1, false],
    [20 * day, true],
    [29 * day, true],
    [31 * day, true],
  ])('at %i ms of 30 days: %s', (time, due) => {
    expect(renewalDue({ notBefore, notAfter }, new Date(time))).toBe(due);
  });
});
