import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type AuthorityPems,
  createAuthority,
  issueServerCertificate,
  loadAuthority,
} from '../../src/crypto/ca.ts';
import { isPin, samePin, spkiPin } from '../../src/crypto/spki.ts';

const now = new Date('2026-01-01T00:00:00Z');
let pems: AuthorityPems;
beforeAll(async () => {
  pems = await createAuthority({ now, commonName: 'Borealis' });
});

describe('spkiPin', () => {
  it('is what openssl says', () => {
    const publicPem = execFileSync('openssl', ['x509', '-noout', '-pubkey'], { input: pems.certificatePem });
    const der = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'der'], { input: publicPem });
    expect(spkiPin(pems.certificatePem)).toBe(createHash('sha256').update(der).digest('base64url'));
  });

  it('is the same of DER and PEM', () => {
    const der = Buffer.from(pems.certificatePem.replace(/-----.*-----|\s/g, ''), 'base64');
    expect(spkiPin(der)).toBe(spkiPin(pems.certificatePem));
  });

  it('differs between authorities, and between authority and leaf', async () => {
    const other = await createAuthority({ now, commonName: 'Borealis' });
    const leaf = await issueServerCertificate(await loadAuthority(pems), {
      names: [],
      addresses: [],
      now,
      days: 1,
    });
    const pins = [pems, other, leaf].map((one) => spkiPin(one.certificatePem));
    expect(new Set(pins).size).toBe(3);
  });

  it('throws on what is no certificate', () => {
    expect(() => spkiPin('no certificate')).toThrow();
    expect(() => spkiPin(Buffer.alloc(100))).toThrow();
  });
});

describe('samePin', () => {
  const pin = Buffer.alloc(32, 5).toString('base64url');

  it('is true of equal pins only', () => {
    expect(samePin(pin, pin)).toBe(true);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const other = Buffer.from(bytes).toString('base64url');
        expect(samePin(pin, other)).toBe(other === pin);
      }),
    );
  });

  it.each(['', 'short', `${pin}=`, ` ${pin}`, pin.slice(1), `${pin}A`, `${pin.slice(0, 42)}+`])(
    'is false of what is no pin, even on both sides: %j',
    (text) => {
      expect(isPin(text)).toBe(false);
      expect(samePin(text, text)).toBe(false);
      expect(samePin(pin, text)).toBe(false);
      expect(samePin(text, pin)).toBe(false);
    },
  );
});
