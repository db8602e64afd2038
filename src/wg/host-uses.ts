/** What this host needs, and would reach no more where a network of ours took its addresses. */
import { isIPv4 } from 'node:net';
import { resolvers } from '../sys/resolvers.ts';
import { addressWithPrefix } from './cidr.ts';
import { hostRoutes } from './routes.ts';
import type { WgSystem } from './system.ts';
import type { Cidr } from './types.ts';

export interface HostUse {
  readonly network: Cidr;
  /** `a route of this host through eth0` */
  readonly what: string;
}

/** Of IPv4, as the tunnels are; without what the interface itself has. Errors: those of commands.ts. */
export const hostUses = async (
  system: Pick<WgSystem, 'run'>,
  interfaceName: string,
): Promise<readonly HostUse[]> => {
  const [routes, asked] = await Promise.all([hostRoutes(system, [4]), resolvers()]);
  return [
    ...asked
      .filter(isIPv4)
      .map((address) => ({ network: addressWithPrefix(address), what: 'a resolver of this host' })),
    ...routes
      .filter((route) => route.interface !== interfaceName)
      .map(({ network, interface: through }) => ({
        network,
        what: `a route of this host${through === null ? '' : ` through ${through}`}`,
      })),
  ];
};
