/** What is no pair: refused before anything of it is kept. */
import { isIP } from 'node:net';
import { BorealisError } from '../../protocol/errors.ts';
import { HA_PORT, HA_ROUTER_ID } from '../../protocol/ha.ts';
import type { Database } from '../../store/store.ts';
import { contains, numberOf, overlap, parseNetwork, textOf } from '../../wg/addresses.ts';
import { network } from '../../wg/cidr.ts';
import type { ServiceRow } from '../vpn/rows.ts';
import type { PairRow } from './rows.ts';

/** That no host has, or that no other host reaches (RFC 6890). */
const NOBODYS = [
  ...['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'],
].map((text) => parseNetwork(text, 'the network'));

const refuse = (detail: string, next?: string): never => {
  throw new BorealisError('INVALID_INPUT', { detail, ...(next !== undefined && { next }) });
};

const bitsOf = (address: string): 32 | 128 => (address.includes(':') ? 128 : 32);

/** A host's address in its network, in one spelling. Errors: INVALID_INPUT, NETWORK_OVERLAP. */
export const checkAddress = (text: string, service: Pick<ServiceRow, 'pool' | 'pool6' | 'name'>): string => {
  const [written = '', digits = ''] = text.split('/');
  const [length, bits] = [Number(digits), bitsOf(written)];
  const value = numberOf(written);
  const family = bits === 32 ? 4 : 6;
  const address = textOf(value, family);
  const network = parseNetwork(
    `${textOf((value >> BigInt(bits - length)) << BigInt(bits - length), family)}/${length}`,
    'address',
  );
  const host = parseNetwork(`${address}/${bits}`, 'address');
  if (NOBODYS.some((special) => contains(special, host)))
    refuse(`address: ${address} is no address of a host.`);
  if (length === 0) refuse(`address: ${text} has no network.`);
  // Each node hears votes at an address of its own beside it (ha/interface.ts).
  if (length === bits)
    refuse(
      `address: in ${text} there is no other address, so neither device can have one of its own beside it.`,
      `Give it the prefix length of its network, as in ${address}/${family === 4 ? 24 : 64}.`,
    );
  if (length < bits - 1) {
    if (value === network.first) refuse(`address: ${address} is that of the network ${network.text} itself.`);
    if (family === 4 && value === network.last)
      refuse(`address: ${address} is the broadcast address of ${network.text}.`);
  }
  for (const pool of [service.pool, service.pool6])
    if (pool !== null && overlap(parseNetwork(pool, 'pool'), host))
      throw new BorealisError('NETWORK_OVERLAP', {
        detail: `${address} lies in ${pool}, which is the pool of ${service.name}.`,
      });
  return `${address}/${length}`;
};

/** Clients go to the service's endpoint: where that is an address, it must be this one. Errors: INVALID_INPUT. */
export const checkEndpoint = (endpoint: string, address: string): void => {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  if (!/^[\d.]+$/.test(host) && !host.includes(':')) return;
  const [floating = ''] = address.split('/');
  if (bitsOf(host) === bitsOf(floating) && numberOf(host) === numberOf(floating)) return;
  refuse(
    `address: clients go to ${host}, the endpoint of the service, not to ${floating}.`,
    `Use that address, or make a service whose endpoint is ${floating} or a name.`,
  );
};

/** A node hears votes at its own address in the floating one's network, and at the pair's port: nowhere else. */
export const isHeardAt = (
  { address, port }: Pick<PairRow, 'address' | 'port'>,
  endpoint: string,
): boolean => {
  const colon = endpoint.lastIndexOf(':');
  const host = endpoint.slice(0, colon).replace(/^\[|\]$/g, '');
  if (isIP(host) === 0 || Number(endpoint.slice(colon + 1)) !== port) return false;
  const [floating = ''] = address.split('/');
  if (bitsOf(host) === bitsOf(floating) && numberOf(host) === numberOf(floating)) return false;
  const around = parseNetwork(network(address), 'address');
  return contains(around, parseNetwork(`${host}/${bitsOf(host)}`, 'the endpoint'));
};

interface Asked {
  readonly port: number | undefined;
  readonly routerId: number | undefined;
  readonly guids: readonly string[];
}

/** Those that were asked for, or the first that are free. Errors: PORT_TAKEN, INVALID_INPUT. */
export const choosePorts = async (
  db: Database,
  service: ServiceRow,
  others: readonly PairRow[],
  { port, routerId, guids }: Asked,
): Promise<{ port: number; routerId: number }> => {
  const near = others.filter(
    (pair) => guids.includes(pair.primary_guid) || guids.includes(pair.standby_guid),
  );
  const services = await db.selectFrom('vpn_service').select(['name', 'listen_port']).execute();
  const whose = (wanted: number): string | undefined => {
    if (wanted === service.listen_port) return `${service.name} itself, for its clients`;
    const other = services.find(({ listen_port }) => listen_port === wanted)?.name;
    if (other !== undefined) return `the VPN service ${other}`;
    return near.some((pair) => pair.port === wanted) ? 'another pair on one of these devices' : undefined;
  };
  const taken = port === undefined ? undefined : whose(port);
  if (taken !== undefined)
    throw new BorealisError('PORT_TAKEN', {
      detail: `UDP port ${port} is that of ${taken}.`,
      next: 'Choose another one with --port, or leave it to the engine.',
    });
  let free = port ?? HA_PORT;
  while (port === undefined && whose(free) !== undefined) free += 1;
  const ids = new Set(others.map(({ router_id }) => router_id));
  if (
    routerId !== undefined &&
    near.some((pair) => pair.router_id === routerId && pair.driver === 'keepalived')
  )
    refuse(`router_id: ${routerId} is that of another pair on one of these devices.`);
  let id = routerId ?? HA_ROUTER_ID;
  while (routerId === undefined && ids.has(id) && id < 255) id += 1;
  return { port: free, routerId: id };
};
