import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateEd25519, nobleEd25519, nodeEd25519 } from '../../src/crypto/ed25519.ts';
import { type EnrolmentProof, enrolmentProofMessage } from '../../src/crypto/enrolment-proof.ts';
import { sealEnvelope } from '../../src/crypto/envelope.ts';

const agent = generateEd25519();
const proof: EnrolmentProof = {
  requestId: 'request-1',
  nonce: Buffer.alloc(32, 1),
  exporter: Buffer.alloc(32, 2),
  publicKey: agent.publicKey,
};
const signature = nobleEd25519.sign(enrolmentProofMessage(proof), agent.seed);
const good = (changed: Partial<EnrolmentProof>, key = agent.publicKey): boolean =>
  nodeEd25519.verify(signature, enrolmentProofMessage({ ...proof, ...changed }), key);

describe('an enrolment proof', () => {
  it('is good for its request, nonce, connection and key, and for no other', () => {
    expect(good({})).toBe(true);
    expect(good({ requestId: 'request-2' })).toBe(false);
    expect(good({ nonce: Buffer.alloc(32, 3) })).toBe(false);
    expect(good({ exporter: Buffer.alloc(32, 3) })).toBe(false);
    const other = generateEd25519();
    expect(good({ publicKey: other.publicKey })).toBe(false);
    expect(good({}, other.publicKey)).toBe(false);
  });

  it('has other bytes for every other request', () => {
    const any = fc.record({
      requestId: fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme-ascii' }),
      nonce: fc.uint8Array({ minLength: 16, maxLength: 64 }),
      exporter: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      publicKey: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    });
    const text = (one: EnrolmentProof): string =>
      [Buffer.from(one.requestId), one.nonce, one.exporter, one.publicKey]
        .map((field) => Buffer.from(field).toString('hex'))
        .join();
    fc.assert(
      fc.property(any, any, (one, two) => {
        const same = Buffer.compare(enrolmentProofMessage(one), enrolmentProofMessage(two)) === 0;
        expect(same).toBe(text(one) === text(two));
      }),
    );
  });

  it('does not let one field flow into the next', () => {
    const left = enrolmentProofMessage({ ...proof, requestId: 'ab', nonce: Buffer.from('c'.repeat(17)) });
    const right = enrolmentProofMessage({ ...proof, requestId: 'abc', nonce: Buffer.from('c'.repeat(16)) });
    expect(Buffer.compare(left, right)).not.toBe(0);
  });

  it('cannot be mistaken for anything else that is signed: those begin with base64url', () => {
    const seal = sealEnvelope({}, { seed: agent.seed, kid: 'k', typ: 'borealis-result+jws' }, nodeEd25519);
    expect(seal).toMatch(/^[A-Za-z0-9_-]+\./);
    expect(Buffer.from(enrolmentProofMessage(proof)).toString('latin1')).toMatch(
      /^borealis enrolment proof v1\0/,
    );
  });

  it.each<[string, Partial<EnrolmentProof>]>([
    ['an empty request id', { requestId: '' }],
    ['a request id too long', { requestId: 'x'.repeat(129) }],
    ['a nonce too short', { nonce: Buffer.alloc(15) }],
    ['a nonce too long', { nonce: Buffer.alloc(65) }],
    ['no exporter', { exporter: Buffer.alloc(0) }],
    ['half an exporter', { exporter: Buffer.alloc(16) }],
    ['a key too short', { publicKey: Buffer.alloc(31) }],
  ])('is not made with %s', (_name, wrong) => {
    expect(() => enrolmentProofMessage({ ...proof, ...wrong })).toThrow(RangeError);
  });
});
