/** Looks at the network as it is; changes nothing. */
import { CommandError } from '../sys/command.ts';
import { must, unless } from './commands.ts';
import type { Driver, Found } from './driver.ts';
import { type Link, parseLink, parseRoutes, ROUTE_PROTOCOL } from './ip.ts';
import { kernelDriver } from './kernel.linux.ts';
import { FAMILY } from './nft.ts';
import { parseTable } from './nft-list.ts';
import { type WgSystem, waitUntil } from './system.ts';
import type { Cidr, DriverName, ObservedNetwork, Presence } from './types.ts';
import { wireguardGoDriver } from './wireguard-go.linux.ts';

export type Drivers = Readonly<Record<DriverName, Driver>>;

export const drivers = (system: WgSystem): Drivers => ({
  kernel: kernelDriver(system),
  'wireguard-go': wireguardGoDriver(system),
});

/** Errors: NET_ADMIN_REQUIRED, PROGRAM_MISSING, COMMAND_FAILED. */
export const observe = async (
  system: WgSystem,
  names: readonly string[],
  { table }: { readonly table: boolean },
): Promise<ObservedNetwork> => {
  const [interfaces, text] = await Promise.all([
    Promise.all(names.map(async (name) => [name, await observeInterface(system, name)] as const)),
    table ? observeTable(system) : undefined,
  ]);
  return { interfaces: new Map(interfaces), table: text };
};

const observeInterface = async (system: WgSystem, name: string): Promise<Presence> => {
  const { link, driver, found } = await find(system, name);
  if (found.state !== 'present') return found;
  if (!link || !driver) return { state: 'absent' };
  const routes = await observeRoutes(system, name);
  const { up, mtu, addresses } = link;
  return {
    state: 'present',
    interface: { driver: driver.name, up, mtu, addresses, routes, ...found.device },
  };
};

interface Finding {
  readonly link: Link | null;
  /** Undefined for a link that is no WireGuard. */
  readonly driver: Driver | undefined;
  readonly found: Found;
}

/**
 * Milliseconds for which a link that seems to be somebody else's is looked at again: a process that is ending has lost
 * its mark a moment before its link goes.
 */
const ENDING_MS = 500;

/** Who is behind the name. */
export const find = async (system: WgSystem, name: string): Promise<Finding> => {
  let finding = await findOnce(system, name);
  const isTheirs = () => finding.driver?.name === 'wireguard-go' && finding.found.state === 'foreign';
  if (!isTheirs() || !finding.link) return finding;
  const settled = async () => {
    finding = await findOnce(system, name);
    return !isTheirs();
  };
  await waitUntil(system, settled, ENDING_MS);
  return finding;
};

const findOnce = async (system: WgSystem, name: string): Promise<Finding> => {
  const { link, driver } = await findDriver(system, name);
  const found = await driver?.find(name, link);
  return { link, driver, found: found ?? { state: 'foreign', why: 'is an interface of another kind' } };
};

const findDriver = async (
  system: WgSystem,
  name: string,
): Promise<{ link: Link | null; driver: Driver | undefined }> => {
  const { kernel, 'wireguard-go': userspace } = drivers(system);
  const args = ['-json', '-details', 'address', 'show', 'dev', name];
  const shown = (await system.hasLink(name)) && (await unless(system, /does not exist/, 'ip', args));
  const link = shown ? parseLink(name, shown.stdout) : null;
  // Without a link there may still be its process, half started or half ended.
  if (!link) return { link: null, driver: userspace };
  const driver = { wireguard: kernel, tun: userspace }[link.kind];
  return { link, driver };
};

const observeRoutes = async (system: WgSystem, name: string): Promise<Cidr[]> => {
  const both = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const args = [`-${family}`, '-json', 'route', 'show', 'dev', name, 'proto', String(ROUTE_PROTOCOL)];
      return parseRoutes((await must(system, 'ip', args)).stdout, family);
    }),
  );
  return both.flat().sort();
};

const observeTable = async (system: WgSystem): Promise<string | null> => {
  if (!(await system.hasTable())) return null;
  const args = ['-j', 'list', 'table', FAMILY, system.table];
  for (let attempt = 1; ; attempt += 1) {
    try {
      const listed = await unless(system, /No such file or directory/, 'nft', args);
      return listed && parseTable(system.table, listed.stdout);
    } catch (error) {
      // While somebody changes tables, it may end with 1 and not a word of why.
      if (!(error instanceof CommandError) || attempt === LISTINGS) throw error;
      if (error.result.exitCode !== 1 || error.result.stderr !== '') throw error;
      await system.sleep(LISTING_MS * attempt);
    }
  }
};
/** How often, and how many milliseconds apart. */
const LISTINGS = 4;
const LISTING_MS = 10;
