/** Where a connection comes from. */
import { isIPv6 } from 'node:net';

/** An IPv4 address as itself, where the socket hears both (RFC 4291, 2.5.5.2). */
export const plainAddress = (remote: string): string => remote.replace(/^::ffff:(?=\d+\.)/, '');

/** Whoever has one IPv6 address has 2^64 of them: the /64 counts as one. */
export const networkOf = (remote: string): string => {
  const address = plainAddress(remote);
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined
      ? first
      : [...first, ...Array(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last];
  return `${groups.slice(0, 4).join(':')}::/64`;
};
