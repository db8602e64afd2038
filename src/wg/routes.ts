/** The routes that this host has, whoever made them: what a new network must not take from somebody. */
import { z } from 'zod';
import { BorealisError } from '../protocol/errors.ts';
import { network } from './cidr.ts';
import { unless } from './commands.ts';
import type { WgSystem } from './system.ts';
import type { Cidr } from './types.ts';

export interface HostRoute {
  readonly network: Cidr;
  /** Null where it leads nowhere, as those of type unreachable do. */
  readonly interface: string | null;
}

const hop = { gateway: z.string().optional(), dev: z.string().optional() };
const routes = z.array(
  z.looseObject({
    ...hop,
    table: z.string().optional(),
    type: z.string().optional(),
    dst: z.string().optional(),
    nexthops: z.array(z.looseObject(hop)).optional(),
  }),
);
type Route = z.infer<typeof routes>[number];
/** Of every link, and so nobody's. */
const LINK_LOCAL = /^(fe80|ff)/i;

/**
 * Of the main table, and to this host's own addresses; of the default ones the gateways alone, which are reached as well.
 * Errors: those of commands.ts.
 */
export const hostRoutes = async (
  system: Pick<WgSystem, 'run'>,
  families: readonly (4 | 6)[] = [4, 6],
): Promise<HostRoute[]> => {
  const all = await Promise.all(
    families.map(async (family) => {
      // One listing of all tables: starting ip(8) is what takes its time.
      const words = [`-${family}`, '-json', 'route', 'show', 'table', 'all'];
      const shown = await unless(system, /does not exist|No such/, 'ip', words);
      return shown ? parse(shown.stdout) : [];
    }),
  );
  return all.flat();
};

const parse = (json: string): HostRoute[] => {
  try {
    return routes
      .parse(JSON.parse(json.trim() || '[]'))
      .filter(({ table = 'main', type }) => table === 'main' || (table === 'local' && type === 'local'))
      .flatMap((route) => [...destination(route), ...gateways(route)])
      .filter(({ network }) => !network.endsWith('/0'));
  } catch (cause) {
    throw new BorealisError('COMMAND_FAILED', { detail: 'ip gave an answer that cannot be read.', cause });
  }
};

const destination = ({ dst, dev }: Route): HostRoute[] =>
  dst === undefined || dst === 'default' || LINK_LOCAL.test(dst)
    ? []
    : [{ network: network(dst), interface: dev ?? null }];

const gateways = ({ nexthops = [], ...only }: Route): HostRoute[] =>
  [only, ...nexthops].flatMap(({ gateway, dev }) =>
    gateway === undefined || LINK_LOCAL.test(gateway)
      ? []
      : [{ network: network(gateway), interface: dev ?? null }],
  );
