/**
 * The networks that this machine has routes to, of its main table (/proc/net/route, /proc/net/ipv6_route: proc(5) and
 * net/ipv6/route.c): read without starting a process. Default routes are everybody's, and those of every link nobody's.
 */
import { open } from 'node:fs/promises';
import { endianness } from 'node:os';
import { network } from '../wg/cidr.ts';

export interface Route {
  readonly network: string;
  /** Null where it leads nowhere, as those of type unreachable do. */
  readonly interface: string | null;
}

/** A router of the Internet has a million: no more is read of any than this. */
const READ_MAX = 256 * 1024;
/** Flags of linux/route.h and linux/ipv6_route.h: leads nowhere; this machine itself; kept for a moment. */
const [REJECT, ANYCAST, CACHE, LOCAL] = [0x200, 0x100000, 0x1000000, 0x80000000];
const OF_EACH_LINK = /^(169\.254\.|2(2[4-9]|3\d)\.|fe80:|ff)/;
/** Of services and tunnels (daemon/vpn/device-networks.ts). */
const OURS = /^(bvpn|borealis)\d+$/;

/** Each once, in order. */
export const readRoutes = async (): Promise<Route[]> => {
  const [four, six] = await Promise.all([head('/proc/net/route'), head('/proc/net/ipv6_route')]);
  return parseRoutes(four, six);
};

export const parseRoutes = (four: string, six: string): Route[] => {
  const found = [...lines(four, parseIPv4), ...lines(six, parseIPv6)].filter(
    ({ network: text, interface: name }) =>
      !text.endsWith('/0') && !OF_EACH_LINK.test(text) && !(name !== null && OURS.test(name)),
  );
  const once = new Map(found.map((route) => [`${route.network} ${route.interface}`, route]));
  return [...once].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, route]) => route);
};

/** `eth0 00000A0A 010200C0 0003 0 0 0 0000FFFF …`: name, destination, gateway, flags, …, mask. */
const parseIPv4 = ([name = '', destination = '', , flags = '', , , , mask = '']: readonly string[]) => {
  if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask)) return undefined; // the heading
  const length = bytesOf(mask).reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
  return {
    network: network(`${bytesOf(destination).join('.')}/${length}`),
    // Those of type blackhole have no flag of it.
    interface: name === '*' || Number.parseInt(flags, 16) & REJECT ? null : name,
  };
};

/** As this machine has a number of 32 bits in its memory. */
const bytesOf = (hex: string): number[] => {
  const bytes = [...Buffer.from(hex, 'hex')];
  return endianness() === 'LE' ? bytes.reverse() : bytes;
};

/** Destination, its length, source, its length, next hop, metric, two counters, flags, name. */
const parseIPv6 = (words: readonly string[]) => {
  const [destination = '', length = '', , , , , , , flagsText = '', name = ''] = words;
  const flags = Number.parseInt(flagsText, 16);
  if (!/^[0-9a-f]{32}$/.test(destination) || Number.isNaN(flags)) return undefined;
  if (((flags & ANYCAST) | (flags & CACHE) | (flags & LOCAL)) !== 0) return undefined;
  const address = destination.match(/.{4}/g)?.join(':') ?? '';
  return {
    network: network(`${address}/${Number.parseInt(length, 16)}`),
    interface: flags & REJECT ? null : name,
  };
};

const lines = (text: string, parse: (words: readonly string[]) => Route | undefined): Route[] =>
  text.split('\n').flatMap((line) => parse(line.trim().split(/\s+/)) ?? []);

/** The whole lines of it. */
const head = async (path: string): Promise<string> => {
  const file = await open(path).catch(() => null); // without IPv6 there is none
  if (!file) return '';
  try {
    const buffer = Buffer.alloc(READ_MAX);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, READ_MAX - length);
      length += bytesRead;
      if (bytesRead === 0 || length === READ_MAX) break;
    }
    const text = buffer.toString('latin1', 0, length);
    return text.slice(0, text.lastIndexOf('\n'));
  } finally {
    await file.close();
  }
};
