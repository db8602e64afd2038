/**
 * What an Ed25519 signature and key must look like before any curve arithmetic (RFC 8032 §5.1.3, §5.1.7).
 * Both implementations ask here, so what the group equation does not decide is decided once, for both.
 */

export const SEED_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Order of the prime-order group, L = 2^252 + 27742317777372353535851937790883648493. */
export const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

const littleEndian = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));

const L = littleEndian(GROUP_ORDER);
const P = littleEndian(2n ** 255n - 19n);

/**
 * y of the eight points whose order divides 8: 0 (order 4), 1 (the identity), p - 1 (order 2) and the two of order 8.
 * The sign bit does not matter: with either sign such a point is of small order, or no point at all.
 */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  0n,
  1n,
  2n ** 255n - 20n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
].map(littleEndian);

/** a < bound for 32-byte little-endian numbers; `mask` is laid over the top byte of a. Public values: not constant time. */
function below(a: Uint8Array, bound: Uint8Array, mask: number): boolean {
  for (let index = 31; index >= 0; index--) {
    const left = index === 31 ? a[index]! & mask : a[index]!;
    if (left !== bound[index]!) return left < bound[index]!;
  }
  return false;
}

function hasSmallOrder(point: Uint8Array): boolean {
  return SMALL_ORDER_Y.some((y) =>
    y.every((byte, index) => byte === (index === 31 ? point[31]! & 0x7f : point[index]!)),
  );
}

const acceptablePoint = (point: Uint8Array): boolean => below(point, P, 0x7f) && !hasSmallOrder(point);

/** A public key may be used: 32 bytes, canonical y < p, not of small order. Whether it is on the curve is not looked at. */
export function acceptablePublicKey(publicKey: unknown): publicKey is Uint8Array {
  return (
    publicKey instanceof Uint8Array && publicKey.length === PUBLIC_KEY_BYTES && acceptablePoint(publicKey)
  );
}

/** R and s may be used: 64 bytes, R canonical and not of small order, s < L (else s + L would sign the same message). */
export function acceptableSignature(signature: unknown): signature is Uint8Array {
  return (
    signature instanceof Uint8Array &&
    signature.length === SIGNATURE_BYTES &&
    below(signature.subarray(32), L, 0xff) &&
    acceptablePoint(signature.subarray(0, 32))
  );
}
