/** Enrolment codes: 20 symbols of Crockford's base 32 (100 random bits), written in four groups of five. */
import { hash, randomBytes } from 'node:crypto';
import { BorealisError } from '../protocol/errors.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const SYMBOLS = 20;
const GROUP = 5;

/** Such as 7M3K2-…: random, to be shown once and kept only as `hashCode`. */
export function newEnrolmentCode(): string {
  // 256 is a multiple of 32, so the low five bits of a random byte are even.
  return grouped(Array.from(randomBytes(SYMBOLS), (byte) => ALPHABET[byte & 31]).join(''));
}

/**
 * The code as it is written, from what a person typed: case, spaces and hyphens do not matter, O is 0, I and L are 1.
 * Throws BorealisError CODE_INVALID.
 */
export function normaliseCode(typed: string): string {
  const symbols = typed.replace(/[\s-]/g, '').toUpperCase().replace(/O/g, '0').replace(/[IL]/g, '1');
  const foreign = [...symbols].find((symbol) => !ALPHABET.includes(symbol));
  if (foreign !== undefined)
    throw new BorealisError('CODE_INVALID', { detail: `A code has only digits and letters, and no U.` });
  if (symbols.length !== SYMBOLS)
    throw new BorealisError('CODE_INVALID', {
      detail: `A code has ${SYMBOLS} symbols, this one has ${symbols.length}.`,
    });
  return grouped(symbols);
}

/** SHA-256 of the normalised code, base64url. Unsalted: 100 random bits cannot be searched. Throws CODE_INVALID. */
export function hashCode(code: string): string {
  return hash('sha256', normaliseCode(code), 'base64url');
}

function grouped(symbols: string): string {
  return Array.from({ length: SYMBOLS / GROUP }, (_, index) =>
    symbols.slice(index * GROUP, (index + 1) * GROUP),
  ).join('-');
}
