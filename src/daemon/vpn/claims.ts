/** Who has which network: a pool or a site's network is nobody else's, and the one who has it is named. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Database } from '../../store/store.ts';
import { contains, type Network, overlap, parseNetwork } from '../../wg/addresses.ts';
import type { HostRoute } from '../../wg/routes.ts';
import type { DeviceNetwork } from './device-networks.ts';
import { allServices, list, type ServiceRow } from './rows.ts';

interface Claim {
  readonly network: Network;
  /** For people, after “which is”. */
  readonly whose: string;
}

/** That no router passes on, or that are nobody's (RFC 6890): this host, links, multicast, reserved. */
const SPECIAL = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'],
];

export interface Surroundings {
  /** Of this host, where the service is here. */
  readonly routes: readonly HostRoute[];
  /** Of the devices that run it. */
  readonly networks: readonly DeviceNetwork[];
  readonly tunnelNetwork: string;
}

/** Of everything that this engine, this host and the devices know. */
const claims = async (db: Database, { routes, networks, tunnelNetwork }: Surroundings): Promise<Claim[]> => {
  const services = await allServices(db);
  const names = new Map(services.map(({ id, name }) => [id, name]));
  const sites = await db
    .selectFrom('vpn_connection')
    .select(['vpn_id', 'name', 'site_subnets_json'])
    .where('is_site', '=', 1)
    .execute();
  const ours = new Set(services.map((service) => service.interface));
  const claim = (text: string, whose: string): Claim => ({
    network: parseNetwork(text, 'the network'),
    whose,
  });
  return [
    ...services.flatMap(({ name, pool, pool6 }) =>
      [pool, ...(pool6 === null ? [] : [pool6])].map((text) => claim(text, `the pool of ${name}`)),
    ),
    ...sites.flatMap((site) =>
      list(site.site_subnets_json).map((text) =>
        claim(text, `behind ${site.name} of ${names.get(site.vpn_id)}`),
      ),
    ),
    claim(tunnelNetwork, 'the network of the tunnels'),
    ...SPECIAL.map((text) => claim(text, 'for special purposes')),
    ...routes
      .filter((route) => route.interface === null || !ours.has(route.interface))
      .map((route) =>
        claim(route.network, `a route of this host${route.interface ? ` through ${route.interface}` : ''}`),
      ),
    ...networks.map(claimOf),
  ];
};

const claimOf = ({ network, name, interface: at, isRoute }: DeviceNetwork): Claim => ({
  network: parseNetwork(network, 'the network'),
  whose: isRoute
    ? `a route of ${name}${at === null ? '' : ` through ${at}`}`
    : `a network of ${name}, at ${at}`,
});

/** Each against all that is taken, and against those before it. Errors: NETWORK_OVERLAP. */
const demandFree = (wanted: readonly Claim[], taken: readonly Claim[]): void => {
  for (const [index, { network, whose }] of wanted.entries()) {
    const others = [...taken, ...wanted.slice(0, index)];
    const clash = others.find((other) => overlap(network, other.network));
    if (clash)
      throw new BorealisError('NETWORK_OVERLAP', {
        detail: `${network.text} (${whose}) overlaps ${clash.network.text}, which is ${clash.whose}.`,
      });
  }
};

const isInternet = ({ length }: Network): boolean => length === 0;

/** Errors: NETWORK_OVERLAP, INVALID_INPUT. */
export const demandFreePools = async (
  db: Database,
  service: Pick<ServiceRow, 'pool' | 'pool6' | 'local_subnets_json'>,
  around: Surroundings,
): Promise<void> => {
  const pools = [service.pool, ...(service.pool6 === null ? [] : [service.pool6])].map((text) =>
    parseNetwork(text, 'pool'),
  );
  for (const local of list(service.local_subnets_json).map((text) => parseNetwork(text, 'local_subnets'))) {
    const inside = pools.find((pool) => contains(pool, local));
    if (inside)
      throw new BorealisError('NETWORK_OVERLAP', {
        detail: `${local.text} (a local subnet) lies in ${inside.text}, which is the pool itself.`,
      });
  }
  demandFree(
    pools.map((network) => ({ network, whose: 'the pool' })),
    await claims(db, around),
  );
};

/** Of all that a service has by now, where devices are to run it. Errors: NETWORK_OVERLAP. */
export const demandFreeAt = async (
  db: Database,
  service: Pick<ServiceRow, 'id' | 'name' | 'pool' | 'pool6'>,
  networks: readonly DeviceNetwork[],
): Promise<void> => {
  const sites = await db
    .selectFrom('vpn_connection')
    .select(['name', 'site_subnets_json'])
    .where('vpn_id', '=', service.id)
    .where('is_site', '=', 1)
    .execute();
  const pools = [service.pool, ...(service.pool6 === null ? [] : [service.pool6])];
  const wanted = [
    ...pools.map((text) => ({ network: parseNetwork(text, 'pool'), whose: `the pool of ${service.name}` })),
    ...sites.flatMap(({ name, site_subnets_json }) =>
      list(site_subnets_json).map((text) => ({
        network: parseNetwork(text, 'site_subnets'),
        whose: `behind ${name} of ${service.name}`,
      })),
    ),
  ];
  const taken = networks.map(claimOf);
  for (const one of wanted) demandFree([one], taken);
};

/** Of a site's subnets. Errors: NETWORK_OVERLAP, INVALID_INPUT. */
export const demandFreeSubnets = async (
  db: Database,
  service: ServiceRow,
  subnets: readonly string[],
  around: Surroundings,
): Promise<void> => {
  if (subnets.length === 0) return;
  const wanted = subnets.map((text) => ({
    network: parseNetwork(text, 'site_subnets'),
    whose: 'behind the site',
  }));
  const whole = wanted.find(({ network }) => isInternet(network));
  if (whole)
    throw new BorealisError('INVALID_INPUT', {
      detail: `site_subnets: ${whole.network.text} is no network of a site.`,
    });
  const local = list(service.local_subnets_json)
    .map((text) => parseNetwork(text, 'local_subnets'))
    .filter((network) => !isInternet(network))
    .map((network) => ({ network, whose: `a local subnet of ${service.name}` }));
  demandFree(wanted, [...(await claims(db, around)), ...local]);
};
