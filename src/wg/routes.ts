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

const routes = z.array(z.looseObject({ dst: z.string().optional(), dev: z.string().optional() }));
/** Of every link, and so nobody's. */
const LINK_LOCAL = /^(fe80|ff)/i;

/** Of the main table without the default ones, and this host's own addresses. Errors: those of commands.ts. */
export const hostRoutes = async (system: Pick<WgSystem, 'run'>): Promise<HostRoute[]> => {
  const all = await Promise.all(
    ['-4', '-6'].flatMap((family) =>
      [['main'], ['local', 'type', 'local']].map(async (table) => {
        const words = [family, '-json', 'route', 'show', 'table', ...table];
        // A table of which nothing is needed yet does not exist.
        const shown = await unless(system, /does not exist|No such/, 'ip', words);
        return shown ? parse(shown.stdout) : [];
      }),
    ),
  );
  return all.flat();
};

const parse = (json: string): HostRoute[] => {
  try {
    return routes
      .parse(JSON.parse(json.trim() || '[]'))
      .flatMap(({ dst, dev }) =>
        dst === undefined || dst === 'default' || LINK_LOCAL.test(dst)
          ? []
          : [{ network: network(dst), interface: dev ?? null }],
      )
      .filter(({ network }) => !network.endsWith('/0'));
  } catch (cause) {
    throw new BorealisError('COMMAND_FAILED', { detail: 'ip gave an answer that cannot be read.', cause });
  }
};
