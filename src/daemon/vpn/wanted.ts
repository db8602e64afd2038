/** The network that a service and its connections want of the host that it runs on. Pure. */
import { contains, type Network, parseNetwork } from '../../wg/addresses.ts';
import type { GatewayClient, GatewayTarget, WantedNetwork } from '../../wg/types.ts';
import { parseAllow } from './allow.ts';
import { addressesOf, ownAddresses } from './pool.ts';
import { type ConnectionRow, list, type ServiceRow } from './rows.ts';

/** Base64; null: none. */
export type PresharedKeyOf = (connection: ConnectionRow) => string | null;

/** Whether it is let in now. One that has expired stays out, though the clock went back since. */
export const isActive = (connection: ConnectionRow, now: number): boolean =>
  connection.public_key !== null &&
  connection.disabled_at === null &&
  connection.expired_at === null &&
  (connection.expires_at === null || connection.expires_at > now);

export const wantedVpn = (
  service: ServiceRow,
  connections: readonly ConnectionRow[],
  keys: { readonly privateKey: string; readonly presharedKeyOf: PresharedKeyOf },
  now: number,
): WantedNetwork => {
  const active = connections.filter((connection) => isActive(connection, now));
  const own = ownAddresses(service);
  const around = surroundings(service, active);
  const { pools, local, sites, networks } = around;
  const clients = active.map((connection) => clientOf(service, connection, around, keys.presharedKeyOf));
  return {
    interfaces: [
      {
        name: service.interface,
        privateKey: keys.privateKey,
        listenPort: service.listen_port,
        mtu: service.mtu,
        addresses: [
          `${own.four}/${networks[0]?.length}`,
          ...(own.six === null ? [] : [`${own.six}/${networks[1]?.length}`]),
        ],
        routes: sites,
        peers: clients.map(({ peer }) => peer),
      },
    ],
    firewall: {
      name: service.interface,
      addresses: [own.four, ...(own.six === null ? [] : [own.six])],
      pools,
      local,
      sites,
      open: clients.flatMap(({ open }) => open),
      restricted: clients.flatMap(({ restricted }) => restricted),
      masquerade: service.masquerade === 1,
      mtu: service.mtu,
    },
  };
};

/** What a service leads to. */
export const surroundings = (service: ServiceRow, active: readonly ConnectionRow[]) => {
  const pools = [service.pool, ...(service.pool6 === null ? [] : [service.pool6])];
  const local = list(service.local_subnets_json);
  const sites = active.flatMap((connection) => list(connection.site_subnets_json));
  return {
    pools,
    local,
    sites,
    networks: pools.map((text) => parseNetwork(text, 'pool')),
    reach: [...local, ...sites].map((text) => parseNetwork(text, 'the network')),
  };
};

/** What one that is let in wants for itself. */
export const clientOf = (
  service: ServiceRow,
  connection: ConnectionRow,
  { reach, networks }: Pick<ReturnType<typeof surroundings>, 'reach' | 'networks'>,
  presharedKeyOf: PresharedKeyOf,
): GatewayClient => {
  const sources = sourcesOf(service, connection);
  const isOpen = connection.allow_json === '[]';
  const targets = list(connection.allow_json).flatMap((text) => targetsOf(text, reach, networks));
  return {
    peer: {
      publicKey: connection.public_key as string,
      presharedKey: presharedKeyOf(connection),
      persistentKeepalive: 0,
      allowedIps: sources,
      // A device that does not hear of the end sees to it by itself.
      ...(connection.expires_at !== null && { expiresAt: connection.expires_at }),
    },
    open: isOpen ? sources : [],
    restricted: isOpen ? [] : [{ sources, targets }],
  };
};

/** From where its packets come. */
export const sourcesOf = (service: ServiceRow, connection: ConnectionRow): string[] => {
  const { four, six } = addressesOf(service, connection.number);
  return [`${four}/32`, ...(six === null ? [] : [`${six}/128`]), ...list(connection.site_subnets_json)];
};

/**
 * What a rule opens of what the service leads to; of other connections themselves, in the pool, only what it names as
 * such. Empty where it leads nowhere.
 */
export const targetsOf = (
  rule: string,
  reach: readonly Network[],
  pools: readonly Network[],
): GatewayTarget[] => {
  const { network, protocols, ports } = parseAllow(rule);
  const there = [
    ...reach.flatMap((one) => (contains(network, one) ? [one] : contains(one, network) ? [network] : [])),
    ...(pools.some((pool) => contains(pool, network)) ? [network] : []),
  ];
  return there.flatMap(({ text }) =>
    (protocols ?? [null]).map((protocol) => ({ network: text, protocol, ports })),
  );
};
