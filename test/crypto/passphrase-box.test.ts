import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { Readable, type Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStream, sealStream } from '../../src/crypto/passphrase-box.ts';
import { HEADER_BYTES, newHeader } from '../../src/crypto/passphrase-box-header.ts';
import { BorealisError } from '../../src/protocol/errors.ts';
import { mutations } from './tampering.ts';

const CHUNK = 64 * 1024;
const SEALED_CHUNK = CHUNK + 16;
const passphrase = 'correct horse battery staple ü';
const cheap = { logN: 10 };

/** Runs `input` through `stream` in pieces of `size` bytes. */
async function through(input: Uint8Array, stream: Transform, size = 50_000): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += size) pieces.push(input.subarray(at, at + size));
  const [output] = await Promise.all([buffer(stream), pipeline(Readable.from(pieces), stream)]);
  return output;
}

const seal = (plain: Uint8Array) => through(plain, sealStream(passphrase, cheap));
const open = (sealed: Uint8Array, phrase = passphrase, size?: number) =>
  through(sealed, openStream(phrase), size);

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof BorealisError) return error.code;
    throw error;
  }
  return 'opened';
}

describe('a box', () => {
  it.each([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 5 * CHUNK + 777])(
    'of %i bytes opens to what was put in',
    async (length) => {
      const plain = randomBytes(length);
      const sealed = await seal(plain);
      const chunks = Math.max(1, Math.ceil(length / CHUNK));
      expect(sealed.length).toBe(HEADER_BYTES + length + 16 * chunks);
      expect((await open(sealed)).equals(plain)).toBe(true);
    },
  );

  it('does not depend on how the bytes arrive', async () => {
    const plain = randomBytes(2 * CHUNK + 5);
    const sealed = await seal(plain);
    for (const size of [7_000, HEADER_BYTES, HEADER_BYTES + 1, SEALED_CHUNK, sealed.length])
      expect((await open(sealed, passphrase, size)).equals(plain)).toBe(true);
    const small = await seal(Buffer.from('small'));
    expect((await open(small, passphrase, 1)).toString()).toBe('small');
  });

  it('is another one each time and shows nothing', async () => {
    const plain = Buffer.from('a secret that would be seen'.repeat(10));
    const [one, two] = await Promise.all([seal(plain), seal(plain)]);
    expect(one.equals(two)).toBe(false);
    expect(one.subarray(HEADER_BYTES).equals(two.subarray(HEADER_BYTES))).toBe(false);
    expect(one.includes('secret')).toBe(false);
  });

  it('costs a guesser scrypt with N = 2^17, r = 8, p = 1 unless told otherwise', async () => {
    const sealed = await through(Buffer.from('backup'), sealStream(passphrase));
    expect([...sealed.subarray(8, 12)]).toEqual([1, 17, 8, 1]);
    expect((await open(sealed)).toString()).toBe('backup');
  });

  it('is not made with parameters that would not be opened', async () => {
    for (const logN of [0, 9, 18, 12.5, Number.NaN])
      await expect(through(Buffer.alloc(1), sealStream(passphrase, { logN }))).rejects.toThrow(RangeError);
  });
});

describe('a box is refused', () => {
  const plain = randomBytes(3 * CHUNK + 100);
  let sealed: Buffer;
  let chunks: Buffer[];
  beforeAll(async () => {
    sealed = await seal(plain);
    chunks = [0, 1, 2, 3].map((index) =>
      sealed.subarray(HEADER_BYTES + index * SEALED_CHUNK, HEADER_BYTES + (index + 1) * SEALED_CHUNK),
    );
  });
  const header = () => sealed.subarray(0, HEADER_BYTES);

  it('with another passphrase, and that is told from damage', async () => {
    for (const wrong of [
      '',
      'wrong',
      `${passphrase} `,
      passphrase.toUpperCase(),
      passphrase.normalize('NFD'),
    ])
      expect(await codeOf(open(sealed, wrong))).toBe('BACKUP_PASSPHRASE');
  });

  it('cut at every kind of place', async () => {
    const places = [
      0,
      1,
      8,
      HEADER_BYTES - 1,
      HEADER_BYTES,
      HEADER_BYTES + 1,
      HEADER_BYTES + 15,
      HEADER_BYTES + 16,
    ];
    const ends = [1, 2, 3].map((index) => HEADER_BYTES + index * SEALED_CHUNK);
    for (const place of [...places, ...ends, ...ends.map((end) => end + 16), sealed.length - 1])
      expect([place, await codeOf(open(sealed.subarray(0, place)))]).toEqual([place, 'BACKUP_UNREADABLE']);
  });

  it('with chunks reordered, left out, repeated or appended', async () => {
    const [a, b, c, d] = chunks as [Buffer, Buffer, Buffer, Buffer];
    const orders = [
      [b, a, c, d],
      [a, c, b, d],
      [a, c, d],
      [b, c, d],
      [a, a, b, c, d],
      [a, b, c, d, d],
      [d],
      [a, b, c, d, Buffer.alloc(16)],
      [a, b, c, d, Buffer.alloc(1)],
    ];
    for (const order of orders)
      expect(await codeOf(open(Buffer.concat([header(), ...order])))).toBe('BACKUP_UNREADABLE');
  });

  it('with chunks of another box under the same passphrase', async () => {
    const other = await seal(plain);
    const mixed = Buffer.concat([header(), other.subarray(HEADER_BYTES)]);
    expect(await codeOf(open(mixed))).toBe('BACKUP_UNREADABLE');
    const oneChunk = Buffer.concat([
      sealed.subarray(0, HEADER_BYTES + SEALED_CHUNK),
      other.subarray(HEADER_BYTES + SEALED_CHUNK),
    ]);
    expect(await codeOf(open(oneChunk))).toBe('BACKUP_UNREADABLE');
  });

  it('after any mutation, and never opens to something else', async () => {
    const small = await seal(Buffer.from('one admin, two operators'));
    await fc.assert(
      fc.asyncProperty(mutations(small), async (changed) => {
        expect(await codeOf(open(changed))).toBe('BACKUP_UNREADABLE');
      }),
      { numRuns: 200 },
    );
  });

  it('with an empty chunk at the end of a full one, though rightly sealed', async () => {
    const { key, header: own } = await newHeader(passphrase, 10);
    const chunkOf = (content: Buffer, counter: number, last: number): Buffer => {
      const nonce = Buffer.from([...Array(10).fill(0), counter, last]);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(own);
      return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    };
    const full = Buffer.alloc(CHUNK, 1);
    expect((await open(Buffer.concat([own, chunkOf(full, 0, 1)]))).equals(full)).toBe(true);
    const padded = Buffer.concat([own, chunkOf(full, 0, 0), chunkOf(Buffer.alloc(0), 1, 1)]);
    expect(await codeOf(open(padded))).toBe('BACKUP_UNREADABLE');
  });

  it('when the header asks for more memory than a box of ours needs', async () => {
    for (const [at, value] of [
      [9, 18],
      [9, 30],
      [9, 0],
      [10, 255],
      [11, 255],
      [8, 2],
    ] as const) {
      const hostile = Buffer.from(sealed);
      hostile[at] = value;
      createHash('sha256').update(hostile.subarray(0, 44)).digest().copy(hostile, 44, 0, 8);
      expect(await codeOf(open(hostile))).toBe('BACKUP_UNREADABLE');
    }
  });

  it('when it is some other file', async () => {
    for (const other of [Buffer.alloc(0), Buffer.from('SQLite format 3\0'), randomBytes(200_000)])
      expect(await codeOf(open(other))).toBe('BACKUP_UNREADABLE');
  });
});
