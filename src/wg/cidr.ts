/** Addresses in the one spelling in which the kernel and WireGuard show them (RFC 5952), so that texts can be compared. */
import { isIPv4, isIPv6 } from 'node:net';
import { BorealisError } from '../protocol/errors.ts';
import type { Cidr } from './types.ts';

const invalid = (detail: string) => new BorealisError('INVALID_INPUT', { detail });

/** `10.1.2.3/24` stays, `10.1.2.3` becomes `10.1.2.3/32`, `FD00:0::1` becomes `fd00::1/128`. Errors: INVALID_INPUT. */
export const addressWithPrefix = (text: string): Cidr => {
  const { address, length } = parse(text);
  return `${address}/${length}`;
};

/** The same with the host's bits cleared, as routes and allowed IPs have it: `10.1.2.3/24` becomes `10.1.2.0/24`. */
export const network = (text: string): Cidr => {
  const { address, length } = parse(text);
  if (length === bitsOf(address)) return `${address}/${length}`;
  return `${isIPv4(address) ? maskIPv4(address, length) : maskIPv6(address, length)}/${length}`;
};

/** Errors: INVALID_INPUT where the address is not IPv4. */
export const ipv4 = (text: string): string => {
  if (!isIPv4(text)) throw invalid(`${text} is no IPv4 address.`);
  return text;
};

/** `192.0.2.1:51820`, `[2001:db8::1]:51820`. Errors: INVALID_INPUT, also for names. */
export const endpoint = (text: string): string => {
  const match = /^(?:\[([^\]%]+)\]|([\d.]+)):(\d{1,5})$/.exec(text);
  const [, six, four, port = ''] = match ?? [];
  if (!(six ? isIPv6(six) : isIPv4(four ?? '')) || Number(port) < 1 || Number(port) > 65_535) {
    throw invalid(`${text} is no ADDRESS:PORT.`);
  }
  return six ? `[${compress(six)}]:${Number(port)}` : `${four}:${Number(port)}`;
};

const bitsOf = (address: string): number => (address.includes(':') ? 128 : 32);

const parse = (text: string): { address: string; length: number } => {
  const slash = text.indexOf('/');
  const given = slash < 0 ? text : text.slice(0, slash);
  if (!isIPv4(given) && !(isIPv6(given) && !given.includes('%'))) throw invalid(`${text} is no address.`);
  const address = isIPv4(given) ? given : compress(given);
  const bits = bitsOf(address);
  const digits = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > bits) {
    throw invalid(`${text} has no prefix length from 0 to ${bits}.`);
  }
  return { address, length: Number(digits) };
};

/** WHATWG URL serialises IPv6 as RFC 5952 wants it, save for addresses that end in dotted IPv4. */
const compress = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1);

const maskIPv4 = (address: string, length: number): string => {
  const value = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - length);
  const masked = Math.floor(value / size) * size;
  return [24, 16, 8, 0].map((shift) => Math.floor(masked / 2 ** shift) % 256).join('.');
};

const maskIPv6 = (address: string, length: number): string => {
  const [head = '', tail] = address.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = [
    ...groups(head),
    ...Array<string>(tail === undefined ? 0 : missing).fill('0'),
    ...groups(tail),
  ];
  const shift = BigInt(128 - length);
  const value = (all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n) >> shift) << shift;
  const hex = value.toString(16).padStart(32, '0');
  return compress((hex.match(/.{4}/g) as string[]).join(':'));
};
