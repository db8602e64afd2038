import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { digestOf, generateKeyPair, keyBytes, publicKeyOf } from '../../src/wg/keys.ts';
import { requires } from '../require.ts';

describe('a key pair', () => {
  test('is made anew each time, and its public key follows from the private one', () => {
    const [one, two] = [generateKeyPair(), generateKeyPair()];
    expect(one.privateKey).not.toBe(two.privateKey);
    expect(publicKeyOf(one.privateKey)).toBe(one.publicKey);
  });

  test('is that of RFC 7748 §6.1', () => {
    const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');
    const bob = '5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb';
    const bobPublic = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
    expect(publicKeyOf(base64(bob))).toBe(base64(bobPublic));
  });

  test('is the one that wg(8) makes of the private key', requires('wg'), () => {
    const { privateKey, publicKey } = generateKeyPair();
    expect(execFileSync('wg', ['pubkey'], { input: privateKey, encoding: 'utf8' }).trim()).toBe(publicKey);
  });

  test.each(['', 'AAAA', `${'A'.repeat(44)}`, `${'A'.repeat(42)}B=`, `${'_'.repeat(43)}=`])(
    'is refused in another spelling, and not shown: %j',
    (key) => {
      let message = '';
      try {
        keyBytes(key);
      } catch (error) {
        message = String(error);
      }
      expect(message).toContain('32 bytes in base64');
      if (key !== '') expect(message).not.toContain(key);
    },
  );

  test('of a peer is compared by its digest', () => {
    const { privateKey } = generateKeyPair();
    expect(digestOf(privateKey)).toHaveLength(43);
    expect(digestOf(privateKey)).not.toContain(privateKey.slice(0, 10));
  });
});
