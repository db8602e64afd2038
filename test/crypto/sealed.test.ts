import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seal, UnsealError, unseal } from '../../src/crypto/sealed.ts';
import { mutations } from './tampering.ts';

const key = randomBytes(32);
const secret = Buffer.from('the private key of the authority');
const sealed = seal(key, 'ca/key', secret);

describe('a sealed value', () => {
  it('opens under its key and name, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 1000 }), (name, plain) => {
        expect(unseal(key, name, seal(key, name, plain)).equals(plain)).toBe(true);
      }),
    );
  });

  it('is another one each time and shows nothing', () => {
    const many = Array.from({ length: 50 }, () => seal(key, 'ca/key', secret).toString('hex'));
    expect(new Set(many).size).toBe(50);
    expect(many.some((one) => one.includes(secret.toString('hex')))).toBe(false);
  });

  it('does not open after any mutation', () => {
    fc.assert(
      fc.property(mutations(sealed), (changed) => {
        expect(() => unseal(key, 'ca/key', changed)).toThrow(UnsealError);
      }),
      { numRuns: 1000 },
    );
  });

  it('does not open cut to any length', () => {
    for (let length = 0; length < sealed.length; length++)
      expect(() => unseal(key, 'ca/key', sealed.subarray(0, length))).toThrow(UnsealError);
  });

  it.each(['', 'ca/key ', 'ca/kex', 'CA/KEY', 'tickets'])('does not open in the place of %j', (name) => {
    expect(() => unseal(key, name, sealed)).toThrow(UnsealError);
  });

  it('does not open under another key', () => {
    expect(() => unseal(randomBytes(32), 'ca/key', sealed)).toThrow(UnsealError);
  });

  it.each([0, 16, 31, 33])('is not made or opened with a key of %i bytes', (length) => {
    expect(() => seal(Buffer.alloc(length), 'x', secret)).toThrow(RangeError);
    expect(() => unseal(Buffer.alloc(length), 'x', sealed)).toThrow(RangeError);
  });
});
