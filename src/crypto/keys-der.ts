/** The fixed DER around raw Ed25519 keys (RFC 8410 §4, §7): nothing in it varies but the 32 bytes at the end. */

const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

export const seedToPkcs8 = (seed: Uint8Array): Buffer => Buffer.concat([PKCS8_HEAD, seed]);
export const publicKeyToSpki = (publicKey: Uint8Array): Buffer => Buffer.concat([SPKI_HEAD, publicKey]);

function rawAfter(head: Buffer, der: Uint8Array): Uint8Array | undefined {
  const matches = der.length === head.length + 32 && head.equals(der.subarray(0, head.length));
  return matches ? new Uint8Array(der.subarray(head.length)) : undefined;
}

export const pkcs8ToSeed = (der: Uint8Array): Uint8Array | undefined => rawAfter(PKCS8_HEAD, der);
export const spkiToPublicKey = (der: Uint8Array): Uint8Array | undefined => rawAfter(SPKI_HEAD, der);
