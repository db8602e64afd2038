/**
 * The header of a passphrase box, 52 bytes, and the keys behind it:
 * magic (8), version, log2 N, r, p (1 each), salt (16), key check (16), checksum (8).
 * The checksum tells a damaged header from a wrong passphrase, the key check a wrong passphrase from damaged content.
 */
import { createHmac, hash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { BorealisError } from '../protocol/errors.ts';

const MAGIC = Buffer.from('BRLSBOX\0', 'latin1');
const VERSION = 1;
/** scrypt (RFC 7914) with r = 8 and p = 1: 128 MiB and a third of a second at N = 2^17. */
const R = 8;
const P = 1;
const MIN_LOG_N = 10;
const MAX_LOG_N = 17;
const PARAMETERS_AT = MAGIC.length;
const SALT_AT = PARAMETERS_AT + 4;
const SALT_BYTES = 16;
const CHECK_AT = SALT_AT + SALT_BYTES;
const CHECK_BYTES = 16;
const SUM_AT = CHECK_AT + CHECK_BYTES;
const SUM_BYTES = 8;
export const HEADER_BYTES = SUM_AT + SUM_BYTES;

export interface BoxKey {
  /** For AES-256-GCM. */
  readonly key: Buffer;
  /** All of the header, to be authenticated with every chunk. */
  readonly header: Buffer;
}

/** A fresh salt, hence a fresh key: nonces may start at zero in every box. */
export async function newHeader(passphrase: string, logN: number): Promise<BoxKey> {
  if (!Number.isInteger(logN) || logN < MIN_LOG_N || logN > MAX_LOG_N)
    throw new RangeError(`log2 of scrypt's N is ${MIN_LOG_N} to ${MAX_LOG_N}`);
  const start = Buffer.concat([MAGIC, Buffer.of(VERSION, logN, R, P), randomBytes(SALT_BYTES)]);
  const { key, checkKey } = await derive(passphrase, start);
  const checked = Buffer.concat([start, keyCheck(checkKey, start)]);
  return { key, header: Buffer.concat([checked, checksum(checked)]) };
}

/** Throws BorealisError BACKUP_UNREADABLE or BACKUP_PASSPHRASE. */
export async function openHeader(passphrase: string, header: Buffer): Promise<BoxKey> {
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw unreadable('It does not begin as one.');
  if (!header.subarray(SUM_AT).equals(checksum(header.subarray(0, SUM_AT))))
    throw unreadable('Its header is damaged.');
  const [version, logN, r, p] = header.subarray(PARAMETERS_AT, SALT_AT);
  if (version !== VERSION) throw unreadable('It was written by a newer version.');
  // Anyone can write a header with a right checksum: it must not choose how much memory is spent on it.
  if (logN === undefined || logN < MIN_LOG_N || logN > MAX_LOG_N || r !== R || p !== P)
    throw unreadable('Its key derivation is not one that is used here.');
  const start = header.subarray(0, CHECK_AT);
  const { key, checkKey } = await derive(passphrase, start);
  if (!timingSafeEqual(keyCheck(checkKey, start), header.subarray(CHECK_AT, SUM_AT)))
    throw new BorealisError('BACKUP_PASSPHRASE');
  return { key, header: Buffer.from(header) };
}

/** 64 bytes of scrypt: 32 encrypt, 32 check. One says nothing of the other. */
async function derive(passphrase: string, start: Buffer): Promise<{ key: Buffer; checkKey: Buffer }> {
  const N = 2 ** start[PARAMETERS_AT + 1]!;
  const salt = start.subarray(SALT_AT, CHECK_AT);
  // scrypt needs 128 * N * r bytes and a little; node refuses more than 32 MiB unless told.
  const maxmem = 128 * N * R + 1024 * 1024;
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    scrypt(passphrase, salt, 64, { N, r: R, p: P, maxmem }, (error, derived) =>
      error ? reject(error) : resolve(derived),
    );
  });
  return { key: bytes.subarray(0, 32), checkKey: bytes.subarray(32) };
}

const keyCheck = (checkKey: Buffer, start: Buffer): Buffer =>
  createHmac('sha256', checkKey).update(start).digest().subarray(0, CHECK_BYTES);

const checksum = (checked: Buffer): Buffer => hash('sha256', checked, 'buffer').subarray(0, SUM_BYTES);

const unreadable = (detail: string): BorealisError => new BorealisError('BACKUP_UNREADABLE', { detail });
