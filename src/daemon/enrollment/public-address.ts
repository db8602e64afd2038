/** Where agents reach this engine, for enrolment links: as told, as configured, or as found out. */
import { createSocket } from 'node:dgram';
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { BorealisError } from '../../protocol/errors.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** `HOST`, `HOST:PORT`, `[IPV6]:PORT` or a bare IPv6 address. Errors: INVALID_INPUT. */
export const parseAddress = (text: string, defaultPort: number): Endpoint => {
  if (isIPv6(text)) return { host: text, port: defaultPort };
  const parts = /^(?:\[([^\]]+)\]|([^:[\]/?#@\s]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = parts?.[3] === undefined ? defaultPort : Number(parts[3]);
  if (!host || (parts?.[1] !== undefined && !isIPv6(host)) || port < 1 || port > 65_535)
    throw new BorealisError('INVALID_INPUT', {
      detail: `address: “${text}” is not HOST or HOST:PORT; an IPv6 address stands in brackets.`,
    });
  return { host, port };
};

const UNSPECIFIED = new Set(['0.0.0.0', '::', '']);

/** The address of this host that others most likely reach it by, given where it listens. */
export const ownAddress = async (listening: string): Promise<string> => {
  if (!UNSPECIFIED.has(listening)) return listening;
  return (await routedAddress()) ?? interfaceAddress() ?? '127.0.0.1';
};

/** The source address of the default route: the kernel chooses it when a UDP socket is connected; nothing is sent. */
const routedAddress = async (): Promise<string | null> => {
  const socket = createSocket('udp4');
  const { promise, resolve } = Promise.withResolvers<string | null>();
  socket.once('error', () => resolve(null)); // no route: the interfaces are asked next
  socket.connect(9, '192.0.2.1', () => resolve(socket.address().address));
  const address = await promise;
  socket.close();
  return address && isIP(address) && !UNSPECIFIED.has(address) ? address : null;
};

const interfaceAddress = (): string | null => {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.filter((one) => !one.internal && !one.address.toLowerCase().startsWith('fe80:'));
  return (outside.find((one) => one.family === 'IPv4') ?? outside[0])?.address ?? null;
};
