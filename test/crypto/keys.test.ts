import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, it, test } from 'vitest';
import { generateEd25519, publicKeyOf } from '../../src/crypto/ed25519.ts';
import {
  jwkThumbprint,
  jwkToPublicKey,
  KeyFormatError,
  pemToSeed,
  publicKeyToJwk,
  publicKeyToSpkiDer,
  rawPublicKey,
  seedToPem,
  spkiDerToPublicKey,
} from '../../src/crypto/keys.ts';
import { mutations } from './tampering.ts';

const identity = generateEd25519();
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const ecPem = generateKeyPairSync('ec', { namedCurve: 'P-256' });

it('go through every form and back', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const publicKey = publicKeyOf(seed);
      expect(pemToSeed(seedToPem(seed))).toEqual(seed);
      expect(spkiDerToPublicKey(publicKeyToSpkiDer(publicKey))).toEqual(publicKey);
      expect(jwkToPublicKey(publicKeyToJwk(publicKey))).toEqual(publicKey);
      expect(rawPublicKey(seedToPem(seed))).toEqual(publicKey);
    }),
    { numRuns: 30 },
  );
});

it('writes a PEM that OpenSSL takes as an Ed25519 key', () => {
  expect(createPrivateKey(seedToPem(identity.seed)).asymmetricKeyType).toBe('ed25519');
});

// RFC 8037 appendix A.3.
it('has the thumbprint of RFC 8037', () => {
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
  expect(jwkThumbprint(Buffer.from(x, 'base64url'))).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
});

it('has the thumbprint that jose finds', async () => {
  const { publicKey } = identity;
  expect(jwkThumbprint(publicKey)).toBe(await calculateJwkThumbprint({ ...publicKeyToJwk(publicKey) }));
});

describe('refuses', () => {
  test.each([
    ['text', 'not a key'],
    ['nothing', ''],
    ['an EC key', ecPem.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()],
    ['a public key', ecPem.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    [
      'an X25519 key',
      generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    ],
  ])('%s as a PEM seed', (_name, pem) => {
    expect(() => pemToSeed(pem)).toThrow(KeyFormatError);
  });

  it('seeds and keys of another length', () => {
    for (const length of [0, 31, 33, 64]) {
      const bytes = Buffer.alloc(length);
      expect(() => seedToPem(bytes)).toThrow(RangeError);
      expect(() => publicKeyToSpkiDer(bytes)).toThrow(RangeError);
      expect(() => publicKeyToJwk(bytes)).toThrow(RangeError);
      expect(() => jwkThumbprint(bytes)).toThrow(RangeError);
    }
  });

  it('a SubjectPublicKeyInfo with anything changed but the key itself', () => {
    const der = publicKeyToSpkiDer(identity.publicKey);
    fc.assert(
      fc.property(mutations(der.subarray(0, 12)), (head) => {
        const changed = Buffer.concat([head, der.subarray(12)]);
        expect(() => spkiDerToPublicKey(changed)).toThrow(KeyFormatError);
      }),
    );
    expect(() => spkiDerToPublicKey(Buffer.concat([der, Buffer.of(0)]))).toThrow(KeyFormatError);
    expect(() => spkiDerToPublicKey(der.subarray(0, 43))).toThrow(KeyFormatError);
  });

  const jwk = publicKeyToJwk(identity.publicKey);
  test.each<[string, unknown]>([
    ['null', null],
    ['an array', [jwk]],
    ['text', JSON.stringify(jwk)],
    ['a private key', { ...jwk, d: jwk.x }],
    ['an unknown member', { ...jwk, kid: 'x' }],
    ['another curve', { ...jwk, crv: 'X25519' }],
    ['another type', { ...jwk, kty: 'EC' }],
    ['x missing', { kty: 'OKP', crv: 'Ed25519' }],
    ['x padded', { ...jwk, x: `${jwk.x}=` }],
    ['x too short', { ...jwk, x: jwk.x.slice(0, 42) }],
    ['x too long', { ...jwk, x: `${jwk.x}A` }],
    ['x no text', { ...jwk, x: 7 }],
  ])('a JWK: %s', (_name, wrong) => {
    expect(() => jwkToPublicKey(wrong)).toThrow(KeyFormatError);
  });

  it('without showing the private key that it was given', () => {
    const secret = Buffer.from(identity.seed).toString('base64url');
    expect(() => jwkToPublicKey({ ...jwk, d: secret })).toThrow(expect.not.stringContaining(secret));
  });
});
