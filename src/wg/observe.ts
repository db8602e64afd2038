/** Looks at the network as it is; changes nothing. */
import { must, unless } from './commands.ts';
import type { Driver } from './driver.ts';
import { type Link, parseLink, parseRoutes, ROUTE_PROTOCOL } from './ip.ts';
import { kernelDriver } from './kernel.linux.ts';
import { FAMILY, TABLE } from './nft.ts';
import { parseTable } from './nft-list.ts';
import type { WgSystem } from './system.ts';
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
  const { link, driver } = await findDriver(system, name);
  if (!driver) return { state: 'foreign', why: 'is an interface of another kind' };
  const found = await driver.find(name, link);
  if (found.state !== 'present' || !link) return found.state === 'present' ? { state: 'broken' } : found;
  const routes = await observeRoutes(system, name);
  const { up, mtu, addresses } = link;
  return {
    state: 'present',
    interface: { driver: driver.name, up, mtu, addresses, routes, ...found.device },
  };
};

/** Who is, or would be, behind the name. `driver` is undefined for a link that is no WireGuard. */
export const findDriver = async (
  system: WgSystem,
  name: string,
): Promise<{ link: Link | null; driver: Driver | undefined }> => {
  const { kernel, 'wireguard-go': userspace } = drivers(system);
  const args = ['-json', '-details', 'address', 'show', 'dev', name];
  const shown = await unless(system, /does not exist/, 'ip', args);
  // Without a link there may still be its process, half started or half ended.
  if (!shown) return { link: null, driver: userspace };
  const link = parseLink(name, shown.stdout);
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
  const args = ['-j', 'list', 'table', FAMILY, TABLE];
  const listed = await unless(system, /No such file or directory/, 'nft', args);
  return listed && parseTable(listed.stdout);
};
