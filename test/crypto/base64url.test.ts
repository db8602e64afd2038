import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { decodeBase64url, encodeBase64url } from '../../src/crypto/base64url.ts';

it('goes there and back for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = encodeBase64url(bytes);
      expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
      expect(decodeBase64url(text)?.equals(bytes)).toBe(true);
      expect(decodeBase64url(text, bytes.length)?.equals(bytes)).toBe(true);
      expect(decodeBase64url(text, bytes.length + 1)).toBeUndefined();
    }),
  );
});

it('encodes a view, not the buffer around it', () => {
  expect(encodeBase64url(Buffer.from('abcdef').subarray(2, 4))).toBe(Buffer.from('cd').toString('base64url'));
});

test.each([
  ['padding', 'YQ=='],
  ['the other alphabet', '-_+/'],
  ['plus and slash', '++//'],
  ['trailing bits that are not zero', 'YR'],
  ['one symbol', 'Y'],
  ['a space', 'YW Jj'],
  ['a line end', 'YWJj\n'],
  ['a foreign character', 'YWé'],
])('refuses %s', (_name, text) => {
  expect(decodeBase64url(text)).toBeUndefined();
});

it('takes no text that is not the one spelling of its bytes', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bytes = decodeBase64url(text);
      if (bytes) expect(encodeBase64url(bytes)).toBe(text);
    }),
  );
});
