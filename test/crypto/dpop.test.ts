import fc from 'fast-check';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { describe, expect, it, test } from 'vitest';
import {
  createDpopProof,
  type DpopExpectation,
  ReplayWindow,
  verifyDpopProof,
} from '../../src/crypto/dpop.ts';
import { generateEd25519, nobleEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { jwkThumbprint, publicKeyToJwk } from '../../src/crypto/keys.ts';
import { BorealisError } from '../../src/protocol/errors.ts';
import { textMutations } from './tampering.ts';

const agent = generateEd25519();
const now = new Date('2026-03-01T12:00:00Z');
const at = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
const url = 'https://borealis-engine:8443/agent/v1/token';
const accessToken = 'a.b.c';
const request = { ...agent, method: 'POST', url, now };
const bound = { ...request, accessToken };

function expected(changes: Partial<DpopExpectation> = {}): DpopExpectation {
  return {
    method: 'POST',
    url,
    expectedJkt: jwkThumbprint(agent.publicKey),
    now,
    replay: new ReplayWindow(),
    ...changes,
  };
}

async function codeOf(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof BorealisError) return error.code;
    throw error;
  }
  return 'accepted';
}

const check = (proof: string, changes: Partial<DpopExpectation> = {}): Promise<string> =>
  codeOf(() => verifyDpopProof(proof, expected(changes)));

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const header = { typ: 'dpop+jwt', alg: 'EdDSA', jwk: publicKeyToJwk(agent.publicKey) };
const claims = { jti: 'a-jti-of-sixteen', htm: 'POST', htu: url, iat: now.getTime() / 1000 };
function forge(claimed: object, head: object = header, seed = agent.seed): string {
  const input = `${encode(head)}.${encode(claimed)}`;
  return `${input}.${Buffer.from(nodeEd25519.sign(Buffer.from(input), seed)).toString('base64url')}`;
}

describe('a proof', () => {
  it.each([nobleEd25519, nodeEd25519])('is accepted once', async (ed) => {
    const replay = new ReplayWindow();
    const proof = createDpopProof(request, ed);
    const later = async (...signed: Parameters<typeof ed.verify>) => ed.verify(...signed);
    const verified = await verifyDpopProof(proof, expected({ replay }), later);
    expect(verified).toEqual({ jkt: jwkThumbprint(agent.publicKey), jti: expect.any(String), issuedAt: now });
    expect(await check(proof, { replay })).toBe('REPLAY_DETECTED');
    expect(await check(createDpopProof(request), { replay })).toBe('accepted');
  });

  it('is accepted once of many times at once', async () => {
    const replay = new ReplayWindow();
    const proof = createDpopProof(request);
    const answers = await Promise.all(Array.from({ length: 8 }, () => check(proof, { replay })));
    expect(answers.toSorted()).toEqual([...Array(7).fill('REPLAY_DETECTED'), 'accepted']);
  });

  it('is one that jose verifies with the key inside, as RFC 9449 says', async () => {
    const { payload, protectedHeader } = await jwtVerify(createDpopProof(bound), EmbeddedJWK, {
      typ: 'dpop+jwt',
      currentDate: now,
    });
    expect(Object.keys(payload).sort()).toEqual(['ath', 'htm', 'htu', 'iat', 'jti']);
    expect(await calculateJwkThumbprint(protectedHeader.jwk!)).toBe(jwkThumbprint(agent.publicKey));
  });

  // RFC 9449 §7.1 gives token and ath of its example.
  it('binds the access token as the example of RFC 9449 does', () => {
    const example = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
    const proof = createDpopProof({ ...request, accessToken: example });
    const payload = JSON.parse(Buffer.from(proof.split('.')[1]!, 'base64url').toString());
    expect(payload.ath).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo');
  });

  it.each([
    [`${url}?page=2#top`, url],
    [url, `${url}?page=2`],
    ['https://BOREALIS-engine:8443/agent/v1/token', url],
    ['https://host/agent', 'https://host:443/agent'],
    ['https://host', 'https://host/'],
    ['https://host/a/../agent', 'https://host/agent'],
    ['https://[0:0:0:0:0:0:0:1]:8443/agent', 'https://[::1]:8443/agent'],
  ])('for %s is good for %s', async (asked, received) => {
    expect(await check(createDpopProof({ ...request, url: asked }), { url: received })).toBe('accepted');
  });

  it('is not made for what is no URL of a server', () => {
    for (const wrong of ['/agent/v1/token', 'borealis-engine', 'ftp://host/', 'https://user:word@host/', ''])
      expect(() => createDpopProof({ ...request, url: wrong })).toThrow(RangeError);
  });
});

describe('a proof is refused', () => {
  it('in every mutation', async () => {
    const proof = createDpopProof(request);
    await fc.assert(
      fc.asyncProperty(textMutations(proof), async (changed) => {
        expect(await check(changed)).toBe('PROOF_INVALID');
      }),
      { numRuns: 1500 },
    );
  });

  it('60 seconds from now, either way', async () => {
    const proof = createDpopProof(request);
    for (const seconds of [-60, -1, 0, 1, 60])
      expect(await check(proof, { now: at(seconds) })).toBe('accepted');
    for (const seconds of [-61, -60.001, 60.001, 61, 1e9])
      expect(await check(proof, { now: at(seconds) })).toBe('PROOF_INVALID');
    expect(await check(proof, { now: new Date(Number.NaN) })).toBe('PROOF_INVALID');
  });

  it('until the end of its time when it was seen at its beginning', async () => {
    const replay = new ReplayWindow({ capacity: 1 });
    const proof = createDpopProof(request);
    expect(await check(proof, { replay, now: at(-60) })).toBe('accepted');
    expect(await check(proof, { replay, now: at(60) })).toBe('REPLAY_DETECTED');
    // No room for another one as long as the first could come again.
    const later = createDpopProof({ ...request, now: at(60) });
    expect(await check(later, { replay, now: at(60) })).toBe('RATE_LIMITED');
  });

  it('for another method or URL', async () => {
    const proof = createDpopProof(request);
    expect(await check(proof, { method: 'GET' })).toBe('PROOF_INVALID');
    expect(await check(proof, { method: 'post' })).toBe('PROOF_INVALID');
    for (const other of [
      'https://borealis-engine:8443/agent/v1/revoke',
      'https://borealis-engine:8443/agent/v1/token/',
      'https://borealis-engine:8443/agent/v1/TOKEN',
      'https://borealis-engine/agent/v1/token',
      'https://other:8443/agent/v1/token',
      'http://borealis-engine:8443/agent/v1/token',
      'not a URL',
    ])
      expect(await check(proof, { url: other })).toBe('PROOF_INVALID');
  });

  it('by another key, be it a good one', async () => {
    const other = generateEd25519();
    expect(await check(createDpopProof({ ...request, ...other }))).toBe('PROOF_INVALID');
    expect(await check(forge(claims, header, other.seed))).toBe('PROOF_INVALID');
    expect(await check(createDpopProof(request), { expectedJkt: jwkThumbprint(other.publicKey) })).toBe(
      'PROOF_INVALID',
    );
    expect(await check(createDpopProof(request), { expectedJkt: '' })).toBe('PROOF_INVALID');
  });

  it('with the wrong access token, without one that was sent, with one that was not', async () => {
    expect(await check(createDpopProof(bound), { accessToken })).toBe('accepted');
    expect(await check(createDpopProof(bound), { accessToken: 'a.b.d' })).toBe('PROOF_INVALID');
    expect(await check(createDpopProof(bound))).toBe('PROOF_INVALID');
    expect(await check(createDpopProof(request), { accessToken })).toBe('PROOF_INVALID');
    expect(await check(forge({ ...claims, ath: 7 }), { accessToken })).toBe('PROOF_INVALID');
  });

  it('after another refused one, without having used up its jti', async () => {
    const replay = new ReplayWindow();
    const proof = createDpopProof(request);
    expect(await check(proof, { replay, method: 'GET' })).toBe('PROOF_INVALID');
    expect(replay.size).toBe(0);
    expect(await check(proof, { replay })).toBe('accepted');
  });

  it('when the window is full', async () => {
    const replay = new ReplayWindow({ capacity: 3 });
    for (let index = 0; index < 3; index++)
      expect(await check(createDpopProof(request), { replay })).toBe('accepted');
    expect(await check(createDpopProof(request), { replay })).toBe('RATE_LIMITED');
  });

  const { jwk } = header;
  test.each<[string, object]>([
    ['the private key', { ...header, jwk: { ...jwk, d: Buffer.from(agent.seed).toString('base64url') } }],
    ['no jwk', { typ: header.typ, alg: header.alg }],
    ['jwk null', { ...header, jwk: null }],
    ['an EC key', { ...header, jwk: { kty: 'EC', crv: 'P-256', x: jwk.x, y: jwk.x } }],
    ['a secret key', { ...header, jwk: { kty: 'oct', k: jwk.x } }],
    ['typ JWT', { ...header, typ: 'JWT' }],
    ['typ of a token', { ...header, typ: 'at+jwt' }],
    ['alg none', { ...header, alg: 'none' }],
    ['alg ES256', { ...header, alg: 'ES256' }],
    ['a kid', { ...header, kid: 'x' }],
    ['crit', { ...header, crit: ['x'] }],
  ])('with a header that has %s', async (_name, head) => {
    expect(await check(forge(claims, head))).toBe('PROOF_INVALID');
  });

  const { jti: _jti, ...withoutJti } = claims;
  const { iat: _iat, ...withoutIat } = claims;
  test.each<[string, object]>([
    ['no jti', withoutJti],
    ['no iat', withoutIat],
    ['a jti too short', { ...claims, jti: 'short' }],
    ['a jti too long', { ...claims, jti: 'j'.repeat(65) }],
    ['a jti of other characters', { ...claims, jti: 'a jti with spaces' }],
    ['a jti that is no text', { ...claims, jti: 7 }],
    ['an iat that is text', { ...claims, iat: `${claims.iat}` }],
    ['an iat with a fraction', { ...claims, iat: claims.iat + 0.5 }],
    ['an htu with a query', { ...claims, htu: `${url}?a=1` }],
    ['an htu with a fragment', { ...claims, htu: `${url}#a` }],
    ['an htu with a user', { ...claims, htu: url.replace('//', '//user@') }],
    ['an htu without host', { ...claims, htu: '/agent/v1/token' }],
    ['an htu that is no text', { ...claims, htu: [url] }],
    ['another htm', { ...claims, htm: 'DELETE' }],
    ['an unknown claim', { ...claims, nonce: 'x' }],
  ])('with %s', async (_name, wrong) => {
    expect(await check(forge(claims))).toBe('accepted');
    expect(await check(forge(wrong))).toBe('PROOF_INVALID');
  });
});
