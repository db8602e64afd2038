/** Signatures and points that no honest signer makes, from the arithmetic itself. */
import { createHash } from 'node:crypto';
import { Point } from '@noble/ed25519';
import { GROUP_ORDER } from '../../src/crypto/ed25519-encoding.ts';

export const FIELD_PRIME = 2n ** 255n - 19n;

export function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
}

export function scalarOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
}

/** k = SHA-512(R ‖ A ‖ M) mod L (RFC 8032 §5.1.7). */
export function challenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return scalarOf(createHash('sha512').update(r).update(publicKey).update(message).digest()) % GROUP_ORDER;
}

/** A key pair whose secret scalar is known, unlike that of a seed. */
export function fromScalar(scalar: bigint): { scalar: bigint; publicKey: Uint8Array } {
  return { scalar, publicKey: Point.BASE.multiply(scalar).toBytes() };
}

/** All encodings of the eight points of small order, the non-canonical ones and the negative zeros among them. */
export const SMALL_ORDER_POINTS: readonly string[] = [
  0n,
  1n,
  FIELD_PRIME - 1n,
  FIELD_PRIME,
  FIELD_PRIME + 1n,
  scalarOf(Buffer.from('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', 'hex')),
  scalarOf(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
].flatMap((y) => [littleEndian(y).toString('hex'), littleEndian(y + (1n << 255n)).toString('hex')]);
