import { createPrivateKey, createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { CompactSign, compactVerify } from 'jose';
import { describe, expect, it, test } from 'vitest';
import { generateEd25519, nobleEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import {
  EnvelopeError,
  type EnvelopeReason,
  type EnvelopeType,
  openEnvelope,
  sealEnvelope,
} from '../../src/crypto/envelope.ts';
import { jwkThumbprint, publicKeyToSpkiDer, seedToPem } from '../../src/crypto/keys.ts';
import { textMutations } from './tampering.ts';

const engine = generateEd25519();
const kid = jwkThumbprint(engine.publicKey);
const typ = 'borealis-command+jws' as const;
const claims = { corr_id: 'c1', verb: 'run_script', args: { text: 'uname -a', ü: '€' }, iat: 1_700_000_000 };
const sealed = sealEnvelope(claims, { seed: engine.seed, kid, typ }, nodeEd25519);
const open = (compact: string, options: Partial<{ typ: EnvelopeType; maxBytes: number }> = {}) =>
  openEnvelope(compact, { publicKey: engine.publicKey, typ, maxBytes: 4096, ...options }, nodeEd25519);

function reasonOf(attempt: () => unknown): EnvelopeReason {
  try {
    attempt();
  } catch (error) {
    if (error instanceof EnvelopeError) return error.reason;
    throw error;
  }
  throw new Error('it was opened');
}

const encode = (text: string | object): string =>
  Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)).toString('base64url');

/** An envelope with any header and payload and a right signature over them. */
function forge(header: string | object, payload: string | object = claims): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${Buffer.from(nodeEd25519.sign(Buffer.from(input), engine.seed)).toString('base64url')}`;
}

describe('opens', () => {
  it.each([nobleEd25519, nodeEd25519])('what was sealed', (ed) => {
    const compact = sealEnvelope(claims, { seed: engine.seed, kid, typ }, ed);
    expect(compact).toBe(sealed);
    expect(openEnvelope(compact, { publicKey: engine.publicKey, typ, maxBytes: 4096 }, ed)).toEqual({
      claims,
      kid,
    });
  });

  it('any claims', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (any) => {
        const compact = sealEnvelope(any, { seed: engine.seed, kid, typ }, nodeEd25519);
        const opened = openEnvelope(
          compact,
          { publicKey: engine.publicKey, typ, maxBytes: 1e6 },
          nodeEd25519,
        );
        expect(JSON.stringify(opened.claims)).toBe(JSON.stringify(any));
      }),
    );
  });

  it('with the key that the kid names', () => {
    const keyFor = (asked: string) => (asked === kid ? engine.publicKey : undefined);
    expect(openEnvelope(sealed, { keyFor, typ, maxBytes: 4096 }, nodeEd25519).claims).toEqual(claims);
  });

  it('exactly up to maxBytes', () => {
    expect(open(sealed, { maxBytes: sealed.length }).claims).toEqual(claims);
    expect(reasonOf(() => open(sealed, { maxBytes: sealed.length - 1 }))).toBe('malformed');
  });
});

describe('and jose agree', () => {
  it('jose verifies ours', async () => {
    const key = createPublicKey({ key: publicKeyToSpkiDer(engine.publicKey), format: 'der', type: 'spki' });
    const verified = await compactVerify(sealed, key, { algorithms: ['EdDSA'] });
    expect(verified.protectedHeader).toEqual({ alg: 'EdDSA', typ, kid });
    expect(JSON.parse(Buffer.from(verified.payload).toString())).toEqual(claims);
  });

  it('we verify that of jose', async () => {
    const compact = await new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'EdDSA', typ, kid })
      .sign(createPrivateKey(seedToPem(engine.seed)));
    expect(open(compact).claims).toEqual(claims);
  });
});

describe('refuses', () => {
  it('every mutation of the text', () => {
    fc.assert(
      fc.property(textMutations(sealed), (changed) => {
        expect(['malformed', 'wrong_type', 'bad_signature']).toContain(reasonOf(() => open(changed)));
      }),
      { numRuns: 2000 },
    );
  });

  it('another type, though rightly signed', () => {
    expect(reasonOf(() => open(sealed, { typ: 'borealis-result+jws' }))).toBe('wrong_type');
    expect(reasonOf(() => open(forge({ alg: 'EdDSA', typ: 'JWT', kid })))).toBe('wrong_type');
  });

  it('a key that is not known, and another key', () => {
    const other = generateEd25519();
    expect(
      reasonOf(() => openEnvelope(sealed, { keyFor: () => undefined, typ, maxBytes: 4096 }, nodeEd25519)),
    ).toBe('unknown_key');
    expect(
      reasonOf(() => openEnvelope(sealed, { publicKey: other.publicKey, typ, maxBytes: 4096 }, nodeEd25519)),
    ).toBe('bad_signature');
  });

  it('a missing signature', () => {
    const [header, payload] = sealed.split('.');
    expect(reasonOf(() => open(`${header}.${payload}.`))).toBe('malformed');
    expect(reasonOf(() => open(`${header}.${payload}`))).toBe('malformed');
  });

  it('the signature of another envelope', () => {
    const other = sealEnvelope({ ...claims, verb: 'other' }, { seed: engine.seed, kid, typ }, nodeEd25519);
    const mixed = [...sealed.split('.').slice(0, 2), other.split('.')[2]].join('.');
    expect(reasonOf(() => open(mixed))).toBe('bad_signature');
  });

  // All rightly signed: what is refused is the form.
  test.each<[string, string | object]>([
    ['alg none', { alg: 'none', typ, kid }],
    ['alg HS256', { alg: 'HS256', typ, kid }],
    ['alg Ed25519', { alg: 'Ed25519', typ, kid }],
    ['alg in other case', { alg: 'eddsa', typ, kid }],
    ['no alg', { typ, kid }],
    ['no typ', { alg: 'EdDSA', kid }],
    ['no kid', { alg: 'EdDSA', typ }],
    ['an empty kid', { alg: 'EdDSA', typ, kid: '' }],
    ['a kid too long', { alg: 'EdDSA', typ, kid: 'k'.repeat(129) }],
    ['a kid that is no text', { alg: 'EdDSA', typ, kid: 7 }],
    ['crit', { alg: 'EdDSA', typ, kid, crit: ['b64'] }],
    ['b64', { alg: 'EdDSA', typ, kid, b64: false }],
    ['a jwk that brings its own key', { alg: 'EdDSA', typ, kid, jwk: {} }],
    ['a jku', { alg: 'EdDSA', typ, kid, jku: 'https://example.test' }],
    ['an unknown member', { alg: 'EdDSA', typ, kid, x: 1 }],
    ['a member twice', `{"alg":"none","alg":"EdDSA","typ":"${typ}","kid":"${kid}"}`],
    ['an array', ['EdDSA', typ, kid]],
    ['null', 'null'],
    ['no JSON', 'EdDSA'],
  ])('a header: %s', (_name, header) => {
    expect(reasonOf(() => open(forge(header)))).toBe('malformed');
  });

  test.each<[string, string | object]>([
    ['a key twice', '{"verb":"reboot","verb":"status"}'],
    ['an array', [claims]],
    ['null', 'null'],
    ['a number', '7'],
    ['no JSON', 'reboot'],
    ['nothing', ''],
    ['white space', '{ }'],
  ])('claims: %s', (_name, payload) => {
    expect(reasonOf(() => open(forge({ alg: 'EdDSA', typ, kid }, payload)))).toBe('malformed');
  });

  it('what is no text, without another exception', () => {
    for (const wrong of [undefined, null, 7, {}, [], Buffer.from(sealed)] as unknown as string[])
      expect(reasonOf(() => open(wrong))).toBe('malformed');
  });

  it('random text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        expect(reasonOf(() => open(text))).toBe('malformed');
      }),
    );
  });

  it('does not read the claims before it knows who wrote them', () => {
    const [header, , signature] = sealed.split('.');
    expect(reasonOf(() => open(`${header}.${encode('not JSON')}.${signature}`))).toBe('bad_signature');
  });

  it('to seal what could not be opened', () => {
    expect(() => sealEnvelope([], { seed: engine.seed, kid, typ }, nodeEd25519)).toThrow(RangeError);
    expect(() => sealEnvelope({}, { seed: engine.seed, kid: '', typ }, nodeEd25519)).toThrow(RangeError);
  });
});
