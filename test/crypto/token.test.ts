import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { jwtVerify } from 'jose';
import { describe, expect, it, test } from 'vitest';
import { generateEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { jwkThumbprint, publicKeyToSpkiDer } from '../../src/crypto/keys.ts';
import {
  ACCESS_TOKEN_SECONDS,
  hashRefreshToken,
  issueAccessToken,
  newRefreshToken,
  verifyAccessToken,
} from '../../src/crypto/token.ts';
import { BorealisError } from '../../src/protocol/errors.ts';
import { textMutations } from './tampering.ts';

const engine = generateEd25519();
const jkt = jwkThumbprint(generateEd25519().publicKey);
const guid = '0b9b1a2c-7f3d-4c7e-9a50-5f0f6f1f2a3b';
const now = new Date('2026-03-01T12:00:00.400Z');
const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
const subject = { guid, context: 'system', tokenVersion: 3, jkt } as const;
const { token, expiresAt } = issueAccessToken(subject, { seed: engine.seed, now });
const verify = (text: string, when = now) =>
  verifyAccessToken(text, { publicKey: engine.publicKey, now: when });

async function codeOf(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof BorealisError) return error.code;
    throw error;
  }
  return 'accepted';
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
function forge(claims: object, header: object = { alg: 'EdDSA', typ: 'at+jwt' }, seed = engine.seed): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${Buffer.from(nodeEd25519.sign(Buffer.from(input), seed)).toString('base64url')}`;
}

const claims = await verify(token);

describe('an access token', () => {
  it('says who, which context, which key, for 15 minutes', () => {
    expect(claims).toEqual({
      iss: 'borealis',
      sub: guid,
      ctx: 'system',
      tv: 3,
      cnf: { jkt },
      iat: Math.floor(now.getTime() / 1000),
      exp: Math.floor(now.getTime() / 1000) + 900,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(expiresAt.getTime()).toBe(claims.exp * 1000);
  });

  it('is another one each time', () => {
    expect(issueAccessToken(subject, { seed: engine.seed, now }).token).not.toBe(token);
  });

  it('is verified by jose', async () => {
    const key = createPublicKey({ key: publicKeyToSpkiDer(engine.publicKey), format: 'der', type: 'spki' });
    const verified = await jwtVerify(token, key, {
      algorithms: ['EdDSA'],
      typ: 'at+jwt',
      issuer: 'borealis',
      subject: guid,
      currentDate: now,
    });
    expect(verified.payload).toEqual(claims);
  });

  it('expires to the second, with no grace', async () => {
    expect(await codeOf(() => verify(token, new Date(claims.exp * 1000 - 1)))).toBe('accepted');
    expect(await codeOf(() => verify(token, new Date(claims.exp * 1000)))).toBe('EXPIRED_TOKEN');
    expect(await codeOf(() => verify(token, at(1e9)))).toBe('EXPIRED_TOKEN');
  });

  it('may be 30 seconds early, not more', async () => {
    expect(await codeOf(() => verify(token, new Date(claims.iat * 1000 - 30_000)))).toBe('accepted');
    expect(await codeOf(() => verify(token, new Date(claims.iat * 1000 - 30_001)))).toBe('TOKEN_INVALID');
    expect(await codeOf(() => verify(token, new Date(Number.NaN)))).toBe('TOKEN_INVALID');
  });

  it('is refused in every mutation', async () => {
    await fc.assert(
      fc.asyncProperty(textMutations(token), async (changed) => {
        expect(await codeOf(() => verify(changed))).toBe('TOKEN_INVALID');
      }),
      { numRuns: 1500 },
    );
  });

  it('is refused from another engine', async () => {
    expect(await codeOf(() => verify(forge(claims, undefined, generateEd25519().seed)))).toBe(
      'TOKEN_INVALID',
    );
  });

  test.each<[string, object]>([
    ['no typ', { alg: 'EdDSA' }],
    ['typ JWT', { alg: 'EdDSA', typ: 'JWT' }],
    ['the typ of a proof', { alg: 'EdDSA', typ: 'dpop+jwt' }],
    ['the typ of a command', { alg: 'EdDSA', typ: 'borealis-command+jws' }],
    ['alg none', { alg: 'none', typ: 'at+jwt' }],
    ['a kid', { alg: 'EdDSA', typ: 'at+jwt', kid: 'x' }],
    ['crit', { alg: 'EdDSA', typ: 'at+jwt', crit: ['exp'] }],
  ])('is refused, rightly signed, with %s', async (_name, header) => {
    expect(await codeOf(() => verify(forge(claims, header)))).toBe('TOKEN_INVALID');
  });

  const { jti: _jti, ...withoutJti } = claims;
  const { exp: _exp, ...withoutExp } = claims;
  test.each<[string, object]>([
    ['another issuer', { ...claims, iss: 'aurora' }],
    ['no GUID', { ...claims, sub: 'root' }],
    ['a GUID in capitals', { ...claims, sub: guid.toUpperCase() }],
    ['another context', { ...claims, ctx: 'root' }],
    ['a version that is text', { ...claims, tv: '3' }],
    ['a version below zero', { ...claims, tv: -1 }],
    ['a version with a fraction', { ...claims, tv: 3.5 }],
    ['no key', { ...claims, cnf: {} }],
    ['a key too short', { ...claims, cnf: { jkt: 'abc' } }],
    ['more in cnf', { ...claims, cnf: { jkt, x: 1 } }],
    ['an iat that is text', { ...claims, iat: `${claims.iat}` }],
    ['an exp with a fraction', { ...claims, exp: claims.exp + 0.5 }],
    ['a longer life than tokens have', { ...claims, exp: claims.iat + ACCESS_TOKEN_SECONDS + 1 }],
    ['an end before its beginning', { ...claims, exp: claims.iat }],
    ['no jti', withoutJti],
    ['no exp', withoutExp],
    ['an unknown claim', { ...claims, admin: true }],
    ['an audience', { ...claims, aud: 'x' }],
  ])('is refused, rightly signed, with %s', async (_name, wrong) => {
    expect(await codeOf(() => verify(forge(wrong)))).toBe('TOKEN_INVALID');
  });

  it('is not issued for what would not be accepted', () => {
    const wrong = [{ guid: 'x' }, { context: 'root' as 'user' }, { tokenVersion: 1.5 }, { jkt: '' }];
    for (const part of wrong)
      expect(() => issueAccessToken({ ...subject, ...part }, { seed: engine.seed, now })).toThrow(RangeError);
  });
});

describe('a refresh token', () => {
  it('is 32 random bytes, known to the engine by its SHA-256', async () => {
    const made = Array.from({ length: 50 }, newRefreshToken);
    expect(new Set(made.map((one) => one.token)).size).toBe(50);
    for (const one of made) {
      expect(one.token).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(one.hash).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(hashRefreshToken(one.token)).toBe(one.hash);
      expect(hashRefreshToken(`${one.token} `)).not.toBe(one.hash);
    }
  });

  it('hashes as SHA-256 of its text (FIPS 180-4)', async () => {
    const expected = Buffer.from('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', 'hex');
    expect(hashRefreshToken('abc')).toBe(expected.toString('base64url'));
  });
});
