/** Networks as numbers: what contains or overlaps what, and which address is the next. IPv4 and IPv6 (RFC 4291, RFC 4632). */
import { isIPv4 } from 'node:net';
import { BorealisError } from '../protocol/errors.ts';

export interface Network {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  /** Prefix length. */
  readonly length: number;
  /** As it was written. */
  readonly text: string;
}

/** `text` is ADDRESS/LENGTH, checked by the protocol. Errors: INVALID_INPUT where bits of the host are set. */
export const parseNetwork = (text: string, what: string): Network => {
  const [address = '', digits = ''] = text.split('/');
  const family = isIPv4(address) ? 4 : 6;
  const length = Number(digits);
  const hostBits = BigInt((family === 4 ? 32 : 128) - length);
  const value = numberOf(address);
  const first = (value >> hostBits) << hostBits;
  if (first !== value) {
    throw new BorealisError('INVALID_INPUT', {
      detail: `${what} ${text} is no network: it would be ${textOf(first, family)}/${length}.`,
    });
  }
  return { family, first, last: first + (1n << hostBits) - 1n, length, text };
};

export const overlap = (a: Network, b: Network): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;

export const contains = (outer: Network, inner: Network): boolean =>
  outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;

/** `network` without the holes, in as few networks as can be. */
export const without = (network: Network, holes: readonly Network[]): Network[] => {
  const inside = holes.filter((hole) => overlap(network, hole));
  if (inside.length === 0) return [network];
  if (inside.some((hole) => contains(hole, network))) return [];
  const { family, first, last } = network;
  const length = network.length + 1;
  const middle = first + (last - first + 1n) / 2n;
  const half = (from: bigint, to: bigint): Network => ({
    family,
    first: from,
    last: to,
    length,
    text: `${textOf(from, family)}/${length}`,
  });
  return [half(first, middle - 1n), half(middle, last)].flatMap((part) => without(part, inside));
};

export const numberOf = (address: string): bigint => {
  if (isIPv4(address)) return address.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const dotted = /:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  const plain = dotted
    ? address.slice(0, -dotted.length) +
      [16n, 0n].map((shift) => ((numberOf(dotted) >> shift) & 0xffffn).toString(16)).join(':')
    : address;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  return [...groups(head), ...Array<string>(zeros).fill('0'), ...groups(tail)].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
};

/** In the spelling of RFC 5952. */
export const textOf = (value: bigint, family: 4 | 6): string => {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
  const groups = (value.toString(16).padStart(32, '0').match(/.{4}/g) as string[]).join(':');
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1);
};

/** The service's own: the first that a host may have. */
export const ownAddress = (pool: Network): bigint => pool.first + 1n;

/**
 * The address after the one that was given out last, never one that was given before: a configuration for it may be
 * about. `given`: the highest so far; null where none was. Errors: POOL_USED_UP.
 */
export const nextAddress = (pool: Network, given: bigint | null): bigint => {
  const next = (given ?? ownAddress(pool)) + 1n;
  // The last of an IPv4 network is its broadcast address.
  const last = pool.family === 4 ? pool.last - 1n : pool.last;
  if (next > last) throw new BorealisError('POOL_USED_UP', { detail: `The pool is ${pool.text}.` });
  return next;
};
