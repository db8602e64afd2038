import { verify as lenientVerify, Point } from '@noble/ed25519';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { generateEd25519, nobleEd25519, nodeEd25519, publicKeyOf } from '../../src/crypto/ed25519.ts';
import { GROUP_ORDER } from '../../src/crypto/ed25519-encoding.ts';
import {
  challenge,
  FIELD_PRIME,
  fromScalar,
  littleEndian,
  SMALL_ORDER_POINTS,
  scalarOf,
} from './ed25519-points.ts';
import { RFC_8032 } from './rfc8032.ts';
import { mutations } from './tampering.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const both = { noble: nobleEd25519, node: nodeEd25519 };
const message = Buffer.from('reboot at midnight');
const identity = { seed: Buffer.alloc(32, 7), publicKey: publicKeyOf(Buffer.alloc(32, 7)) };
const signature = nodeEd25519.sign(message, identity.seed);
const r = signature.subarray(0, 32);
const s = scalarOf(signature.subarray(32));

/** What both implementations say; they must say the same. */
function verdict(sig: Uint8Array, msg: Uint8Array, publicKey: Uint8Array): boolean {
  const noble = nobleEd25519.verify(sig, msg, publicKey);
  expect(nodeEd25519.verify(sig, msg, publicKey)).toBe(noble);
  return noble;
}

describe.each(Object.entries(both))('%s', (_name, ed) => {
  test.each(RFC_8032)('RFC 8032 $name', (vector) => {
    const seed = hex(vector.seed);
    expect(Buffer.from(publicKeyOf(seed)).toString('hex')).toBe(vector.publicKey);
    expect(Buffer.from(ed.sign(hex(vector.message), seed)).toString('hex')).toBe(vector.signature);
    expect(ed.verify(hex(vector.signature), hex(vector.message), hex(vector.publicKey))).toBe(true);
    expect(ed.verify(hex(vector.signature), hex(`${vector.message}00`), hex(vector.publicKey))).toBe(false);
  });

  it.each([0, 31, 33, 64])('signs with no seed of %i bytes', (length) => {
    expect(() => ed.sign(message, Buffer.alloc(length))).toThrow(RangeError);
  });

  it('is false, not an exception, for what is not bytes', () => {
    for (const wrong of [
      undefined,
      null,
      'text',
      7,
      {},
      [],
      new ArrayBuffer(64),
    ] as unknown as Uint8Array[]) {
      expect(ed.verify(wrong, message, identity.publicKey)).toBe(false);
      expect(ed.verify(signature, wrong, identity.publicKey)).toBe(false);
      expect(ed.verify(signature, message, wrong)).toBe(false);
    }
  });

  it('takes views into larger buffers', () => {
    const around = Buffer.concat([Buffer.alloc(3, 1), signature, identity.publicKey, message]);
    expect(ed.verify(around.subarray(3, 67), around.subarray(99), around.subarray(67, 99))).toBe(true);
  });
});

// The classes of Wycheproof's Ed25519 vectors, by its flags, made here.
describe('refused by both: TruncatedSignature, SignatureWithGarbage, CompressedSignature', () => {
  it.each([0, 1, 31, 32, 33, 62, 63])('cut to %i bytes', (length) => {
    expect(verdict(signature.subarray(0, length), message, identity.publicKey)).toBe(false);
  });

  it.each([
    ['zeros appended', Buffer.concat([signature, Buffer.alloc(2)])],
    ['bytes appended', Buffer.concat([signature, hex('beef')])],
    ['zeros in front', Buffer.concat([Buffer.alloc(2), signature])],
    ['twice', Buffer.concat([signature, signature])],
    ['a zero between r and s', Buffer.concat([r, Buffer.alloc(1), signature.subarray(32)])],
    ['last byte of r cut', Buffer.concat([r.subarray(0, 31), signature.subarray(32)])],
    ['r and s overlapping', Buffer.concat([r, signature.subarray(33)])],
  ])('%s', (_name, changed) => {
    expect(verdict(changed, message, identity.publicKey)).toBe(false);
  });

  it('a zero cut from the end of s', () => {
    // The top three bits of s are always zero; some signature has the whole last byte zero.
    for (let counter = 0; ; counter++) {
      const text = Buffer.from(`message ${counter}`);
      const sig = nodeEd25519.sign(text, identity.seed);
      if (sig[63] !== 0) continue;
      expect(verdict(sig, text, identity.publicKey)).toBe(true);
      expect(verdict(sig.subarray(0, 63), text, identity.publicKey)).toBe(false);
      return;
    }
  });
});

describe('refused by both: SignatureMalleability', () => {
  const multiples = [1n, 2n, 4n, 8n, 15n].map((n) => [n, s + n * GROUP_ORDER] as const);
  it.each(multiples.filter(([, value]) => value < 2n ** 256n))('s + %i L', (_n, value) => {
    expect(verdict(Buffer.concat([r, littleEndian(value)]), message, identity.publicKey)).toBe(false);
  });

  it.each([5, 6, 7])('s with bit %i of its last byte set', (bit) => {
    const changed = Buffer.from(signature);
    changed[63]! |= 1 << bit;
    expect(verdict(changed, message, identity.publicKey)).toBe(false);
  });

  it.each([
    ['-s', GROUP_ORDER - s],
    ['s + 1', s + 1n],
    ['s - 1', s - 1n],
  ])('%s', (_name, value) => {
    expect(verdict(Buffer.concat([r, littleEndian(value)]), message, identity.publicKey)).toBe(false);
  });
});

describe('refused by both: InvalidSignature', () => {
  const edges: [string, bigint][] = [
    ['0', 0n],
    ['1', 1n],
    ['L - 1', GROUP_ORDER - 1n],
    ['L', GROUP_ORDER],
    ['L + 1', GROUP_ORDER + 1n],
    ['p - 1', FIELD_PRIME - 1n],
    ['p', FIELD_PRIME],
    ['p + 1', FIELD_PRIME + 1n],
    ['2^255 - 1', 2n ** 255n - 1n],
    ['2^256 - 1', 2n ** 256n - 1n],
  ];
  it.each(
    edges.flatMap(([rName, rValue]) => edges.map(([sName, sValue]) => ({ rName, rValue, sName, sValue }))),
  )('r = $rName, s = $sName', ({ rValue, sValue }) => {
    const forged = Buffer.concat([littleEndian(rValue), littleEndian(sValue)]);
    expect(verdict(forged, message, identity.publicKey)).toBe(false);
    for (const weak of [littleEndian(0n), littleEndian(1n), littleEndian(FIELD_PRIME - 1n)])
      expect(verdict(forged, message, weak)).toBe(false);
  });
});

describe('refused by both: small order and non-canonical points', () => {
  it.each(SMALL_ORDER_POINTS)(
    'key %s of small order, which forges any message without a secret',
    (encoding) => {
      // With A of small order, k A = 0 for about every eighth message: R = s B then verifies without the check.
      const forgedS = 12345n;
      const forgedR = Point.BASE.multiply(forgedS).toBytes();
      const forged = Buffer.concat([forgedR, littleEndian(forgedS)]);
      for (let counter = 0; counter < 24; counter++)
        expect(verdict(forged, Buffer.from(`message ${counter}`), hex(encoding))).toBe(false);
    },
  );

  it('such a forgery passes a lenient verifier, so it is a real one', () => {
    const forged = Buffer.concat([Point.BASE.multiply(5n).toBytes(), littleEndian(5n)]);
    nobleEd25519.sign(message, identity.seed); // has noble's SHA-512 set
    expect(lenientVerify(forged, message, littleEndian(1n), { zip215: true })).toBe(true);
    expect(verdict(forged, message, littleEndian(1n))).toBe(false);
  });

  it.each(SMALL_ORDER_POINTS)('R %s of small order, with s chosen to fit', (encoding) => {
    const a = fromScalar(9n);
    const k = challenge(hex(encoding), a.publicKey, message);
    const fitting = Buffer.concat([hex(encoding), littleEndian((k * a.scalar) % GROUP_ORDER)]);
    expect(verdict(fitting, message, a.publicKey)).toBe(false);
  });

  it('y of the key not reduced: p + 3 … p + 18 stand for points that have another spelling', () => {
    for (let excess = 0n; excess < 19n; excess++)
      for (const sign of [0n, 1n << 255n])
        expect(verdict(signature, message, littleEndian(FIELD_PRIME + excess + sign))).toBe(false);
  });

  it('key or R that is not a point of the curve', () => {
    // y = 2 and y = 7 have no x.
    for (const y of [2n, 7n]) {
      expect(verdict(signature, message, littleEndian(y))).toBe(false);
      expect(
        verdict(Buffer.concat([littleEndian(y), signature.subarray(32)]), message, identity.publicKey),
      ).toBe(false);
    }
  });

  it('the sign bit of R or of the key turned', () => {
    const turnedR = Buffer.from(signature);
    turnedR[31]! ^= 0x80;
    const turnedKey = Buffer.from(identity.publicKey);
    turnedKey[31]! ^= 0x80;
    expect(verdict(turnedR, message, identity.publicKey)).toBe(false);
    expect(verdict(signature, message, turnedKey)).toBe(false);
  });

  it('s B = k A, so that the recovered R is the identity', () => {
    const a = fromScalar(11n);
    const k = challenge(r, a.publicKey, message);
    const sig = Buffer.concat([r, littleEndian((k * a.scalar) % GROUP_ORDER)]);
    expect(verdict(sig, message, a.publicKey)).toBe(false);
  });
});

describe('the cofactor, on which implementations disagree', () => {
  const torsion = SMALL_ORDER_POINTS.map((encoding) => Point.fromBytes(hex(encoding), true)).filter(
    (point) => !point.is0(),
  );

  it('R with a component of small order: accepted with the cofactor, refused by both here', () => {
    const a = fromScalar(13n);
    const nonce = 17n;
    for (const t of torsion) {
      const rBytes = Point.BASE.multiply(nonce).add(t).toBytes();
      const value = (nonce + challenge(rBytes, a.publicKey, message) * a.scalar) % GROUP_ORDER;
      expect(verdict(Buffer.concat([rBytes, littleEndian(value)]), message, a.publicKey)).toBe(false);
    }
  });

  it('a key with a component of small order: both say the same, whatever it is', () => {
    const verdicts = new Set<boolean>();
    for (const t of torsion) {
      const publicKey = Point.BASE.multiply(13n).add(t).toBytes();
      for (let nonce = 1n; nonce < 12n; nonce++) {
        const rBytes = Point.BASE.multiply(nonce).toBytes();
        const value = (nonce + challenge(rBytes, publicKey, message) * 13n) % GROUP_ORDER;
        verdicts.add(verdict(Buffer.concat([rBytes, littleEndian(value)]), message, publicKey));
      }
    }
    // Both answers occur, so this did tell the two equations apart.
    expect(verdicts).toEqual(new Set([true, false]));
  });
});

describe('both are one', () => {
  it('sign the same and verify each other, for any seed and message', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 300 }),
        (seed, text) => {
          const sig = nobleEd25519.sign(text, seed);
          expect(Buffer.from(nodeEd25519.sign(text, seed)).equals(sig)).toBe(true);
          expect(verdict(sig, text, publicKeyOf(seed))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuse every mutation of signature, message and key', () => {
    fc.assert(
      fc.property(
        mutations(signature),
        mutations(message),
        mutations(identity.publicKey),
        (sig, text, key) => {
          expect(verdict(sig, message, identity.publicKey)).toBe(false);
          expect(verdict(signature, text, identity.publicKey)).toBe(false);
          expect(verdict(signature, message, key)).toBe(false);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('agree on random bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 70 });
    fc.assert(fc.property(bytes, bytes, bytes, (sig, text, key) => verdict(sig, text, key) === false));
  });
});

describe('generateEd25519', () => {
  it('makes a key pair of the random bytes it is given', () => {
    const made = generateEd25519((bytes) => Buffer.alloc(bytes, 7));
    expect(Buffer.from(made.seed).equals(identity.seed)).toBe(true);
    expect(Buffer.from(made.publicKey).equals(identity.publicKey)).toBe(true);
  });

  it('makes another one each time', () => {
    const seeds = Array.from({ length: 20 }, () => Buffer.from(generateEd25519().seed).toString('hex'));
    expect(new Set(seeds).size).toBe(20);
  });

  it('refuses a source of too few bytes', () => {
    expect(() => generateEd25519(() => Buffer.alloc(31))).toThrow(RangeError);
  });
});
