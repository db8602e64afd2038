/**
 * Datagrams between two nodes that share a key: AES-256-GCM, with a key of its own for each process and direction
 * (HKDF-SHA256, RFC 5869), so that a counter is the nonce and none is ever used twice (NIST SP 800-38D §8.2.1).
 *
 *   version 1 | kind 1 | salt 16 | counter 8 | sealed: echo 16, JSON | tag 16
 *
 * `salt` names the process that sealed it, at random; `echo` is the salt that it last heard of the other one. Only what
 * echoes our own salt was sealed in our time: what was recorded before we began does not.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';

const VERSION = 1;
export const SALT_BYTES = 16;
const TAG_BYTES = 16;
const HEADER_BYTES = 2 + SALT_BYTES + 8;
export const SEALED_BYTES_MORE = HEADER_BYTES + SALT_BYTES + TAG_BYTES;
/** Larger ones are not of ours: DATAGRAM_MAX and what is around it. */
const LONGEST = 1_250;
const KIND = { hello: 1, data: 2 } as const;
export type Kind = keyof typeof KIND;

/** GUIDs: who seals for whom. */
export interface Direction {
  readonly from: string;
  readonly to: string;
}

export interface Sealed {
  readonly kind: Kind;
  readonly salt: Buffer;
  readonly counter: number;
  readonly echo: Buffer;
  readonly body: Buffer;
}

const label = ({ from, to }: Direction): string => `borealis ha datagram ${VERSION} ${from} -> ${to}`;

export const deriveKey = (shared: Buffer, salt: Buffer, direction: Direction): Buffer =>
  Buffer.from(hkdfSync('sha256', shared, salt, label(direction), 32));

const nonce = (counter: number): Buffer => {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(BigInt(counter), 4);
  return bytes;
};

export const seal = (key: Buffer, direction: Direction, content: Sealed): Buffer => {
  const { kind, salt, counter, echo, body } = content;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(VERSION, 0);
  header.writeUInt8(KIND[kind], 1);
  salt.copy(header, 2);
  header.writeBigUInt64BE(BigInt(counter), 2 + SALT_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce(counter));
  cipher.setAAD(Buffer.concat([header, Buffer.from(label(direction))]));
  return Buffer.concat([
    header,
    cipher.update(echo),
    cipher.update(body),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
};

/** Null for what was not sealed with that key in that direction. `keyFor`: by the salt, which anybody may have written. */
export const open = (
  datagram: Buffer,
  direction: Direction,
  keyFor: (salt: Buffer) => Buffer,
): Sealed | null => {
  if (datagram.length < SEALED_BYTES_MORE || datagram.length > LONGEST || datagram[0] !== VERSION)
    return null;
  const kind = (Object.keys(KIND) as Kind[]).find((name) => KIND[name] === datagram[1]);
  const counter = Number(datagram.readBigUInt64BE(2 + SALT_BYTES));
  if (!kind || !Number.isSafeInteger(counter)) return null;
  const header = datagram.subarray(0, HEADER_BYTES);
  const salt = Buffer.from(datagram.subarray(2, 2 + SALT_BYTES));
  const decipher = createDecipheriv('aes-256-gcm', keyFor(salt), nonce(counter), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.concat([header, Buffer.from(label(direction))]));
  decipher.setAuthTag(datagram.subarray(-TAG_BYTES));
  const start = decipher.update(datagram.subarray(HEADER_BYTES, -TAG_BYTES));
  try {
    const content = Buffer.concat([start, decipher.final()]);
    return { kind, salt, counter, echo: content.subarray(0, SALT_BYTES), body: content.subarray(SALT_BYTES) };
  } catch {
    return null; // the tag is not that of this key: a stranger's, or changed on the way
  }
};
