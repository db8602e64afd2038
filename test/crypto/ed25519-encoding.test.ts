import { expect, it } from 'vitest';
import { publicKeyOf } from '../../src/crypto/ed25519.ts';
import { acceptablePublicKey, acceptableSignature, GROUP_ORDER } from '../../src/crypto/ed25519-encoding.ts';
import { FIELD_PRIME, littleEndian, SMALL_ORDER_POINTS } from './ed25519-points.ts';

const key = Buffer.from(publicKeyOf(Buffer.alloc(32, 1)));
const signs = [0n, 1n << 255n];

it('takes an honest key, as R too', () => {
  expect(acceptablePublicKey(key)).toBe(true);
  expect(acceptableSignature(Buffer.concat([key, littleEndian(0n)]))).toBe(true);
  expect(acceptableSignature(Buffer.concat([key, littleEndian(GROUP_ORDER - 1n)]))).toBe(true);
});

it.each(SMALL_ORDER_POINTS)('refuses the point of small order %s', (encoding) => {
  expect(acceptablePublicKey(Buffer.from(encoding, 'hex'))).toBe(false);
  expect(acceptableSignature(Buffer.concat([Buffer.from(encoding, 'hex'), littleEndian(1n)]))).toBe(false);
});

it('refuses y that is not reduced, and takes the greatest that is', () => {
  for (const sign of signs) {
    for (let excess = 0n; excess < 19n; excess++)
      expect(acceptablePublicKey(littleEndian(FIELD_PRIME + excess + sign))).toBe(false);
    expect(acceptablePublicKey(littleEndian(FIELD_PRIME - 2n + sign))).toBe(true);
  }
});

it('refuses s from L on', () => {
  for (const s of [GROUP_ORDER, GROUP_ORDER + 1n, 2n ** 253n, 2n ** 256n - 1n])
    expect(acceptableSignature(Buffer.concat([key, littleEndian(s)]))).toBe(false);
});

it('refuses other lengths and what is not bytes', () => {
  for (const length of [0, 31, 33, 63, 65]) {
    expect(acceptablePublicKey(Buffer.alloc(length, 9))).toBe(false);
    expect(acceptableSignature(Buffer.alloc(length, 9))).toBe(false);
  }
  for (const wrong of [undefined, null, 'x'.repeat(32), Array(32).fill(9), { length: 32 }]) {
    expect(acceptablePublicKey(wrong)).toBe(false);
    expect(acceptableSignature(wrong)).toBe(false);
  }
});
