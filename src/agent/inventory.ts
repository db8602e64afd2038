/** What this machine is made of. Collected once, kept until a cheap look shows that something has changed. */
import { readFile } from 'node:fs/promises';
import { cpus, hostname, networkInterfaces, release, totalmem } from 'node:os';
import { INVENTORY_ROUTES_MAX, type Inventory } from '../protocol/device.ts';
import { scriptLanguage } from '../protocol/script.ts';
import type { Clock } from '../sys/clock.ts';
import { runCommand } from '../sys/command.ts';
import { network } from '../wg/cidr.ts';
import { findInterpreter } from './interpreters.ts';
import { type OsRelease, parseOsRelease } from './os-release.linux.ts';
import { diskUse, readMounts } from './proc.linux.ts';
import { type Route, readRoutes } from './routes.linux.ts';

const LIST_MAX = 256;
const ADDRESSES_MAX = 64;
const VERSION_MS = 5_000;

export interface InventorySource {
  /** The newest; the same object as long as nothing changed. */
  current(): Promise<Inventory>;
  /** Another text where this machine is in other networks: a cheap look, which may be taken often. */
  networks(): Promise<string>;
}

export interface InventoryOptions {
  readonly clock: Clock;
  readonly verbs: readonly string[];
  /** PATH of child processes: what interpreters they find. */
  readonly path: string;
}

export class MachineInventory implements InventorySource {
  readonly #options: InventoryOptions;
  #signature = '';
  #last: Promise<Inventory> | undefined;

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  async current(): Promise<Inventory> {
    const signature = await this.#look();
    if (!this.#last || signature !== this.#signature) {
      this.#signature = signature;
      this.#last = collect(this.#options);
      // What failed is tried again the next time; who asked is told.
      this.#last.catch(() => {
        this.#last = undefined;
      });
    }
    return this.#last;
  }

  async networks(): Promise<string> {
    return JSON.stringify(await routes());
  }

  /** Everything that may change while the machine runs, read without starting a process. */
  async #look(): Promise<string> {
    const interpreters = await findInterpreters(this.#options.path);
    const osRelease = await readFile('/etc/os-release', 'utf8').catch(() => '');
    const disks = process.platform === 'linux' ? await readDisks() : [];
    return JSON.stringify([
      hostname(),
      interfaces(),
      await routes(),
      disks,
      totalmem(),
      cpus().length,
      timezone(),
      osRelease,
      interpreters,
    ]);
  }
}

async function collect({ clock, verbs, path }: InventoryOptions): Promise<Inventory> {
  const si = await import('systeminformation');
  const [system, os, cpu, disks, interpreters] = await Promise.all([
    si.system(),
    process.platform === 'linux' ? readDistribution() : si.osInfo(),
    si.cpu(),
    process.platform === 'linux' ? readDisks() : readDisksPortably(si),
    findInterpreters(path).then((found) => Promise.all(found.map(withVersion))),
  ]);
  return {
    collected_at: new Date(clock.now()).toISOString(),
    system: {
      manufacturer: known(system.manufacturer),
      model: known(system.model),
      serial: known(system.serial),
      virtual: system.virtual ?? null,
    },
    os: {
      platform: process.platform,
      distribution: known(os.distro),
      release: known(os.release),
      kernel: release(),
      hostname: hostname(),
      timezone: timezone(),
    },
    cpu: {
      model: known(cpu.brand),
      cores: cpus().length,
      physical_cores: Number.isInteger(cpu.physicalCores) && cpu.physicalCores > 0 ? cpu.physicalCores : null,
      speed_mhz: cpu.speed > 0 ? Math.round(cpu.speed * 1_000) : null,
    },
    memory_bytes: totalmem(),
    disks: disks.slice(0, LIST_MAX),
    interfaces: interfaces(),
    routes: beside(await routes(), interfaces()).slice(0, INVENTORY_ROUTES_MAX),
    interpreters,
    verbs: [...verbs],
  };
}

/** Not through the library: it asks for the full name of the host, and waits where nobody answers, for all of us. */
const readDistribution = async (): Promise<OsRelease> =>
  parseOsRelease(await readFile('/etc/os-release', 'utf8').catch(() => '')); // without one it is unknown

type Library = typeof import('systeminformation');
type Disks = Inventory['disks'];
type FoundInterpreter = { readonly language: string; readonly path: string };

const readDisks = async (): Promise<Disks> =>
  (await diskUse(await readMounts())).map(({ device, mount, type, totalBytes }) => ({
    device,
    mount,
    type,
    size_bytes: totalBytes,
  }));

const readDisksPortably = async (si: Library): Promise<Disks> =>
  (await si.fsSize()).map(({ fs, mount, type, size }) => ({
    device: fs,
    mount,
    type,
    size_bytes: Math.round(size),
  }));

function interfaces(): Inventory['interfaces'] {
  return Object.entries(networkInterfaces())
    .slice(0, LIST_MAX)
    .map(([name, addresses = []]) => ({
      name,
      mac: addresses.find(({ mac }) => mac !== '00:00:00:00:00:00')?.mac ?? null,
      addresses: addresses.slice(0, ADDRESSES_MAX).map(({ cidr, address }) => cidr ?? address),
    }));
}

const routes = async (): Promise<Route[]> => (process.platform === 'linux' ? readRoutes() : []);

/** Without those to the networks that an interface is in: these are known by its addresses. */
function beside(all: readonly Route[], known: Inventory['interfaces']): Route[] {
  const own = new Set(
    known.flatMap(({ name, addresses }) =>
      addresses.filter((text) => text.includes('/')).map((text) => `${network(text)} ${name}`),
    ),
  );
  return all.filter((route) => !own.has(`${route.network} ${route.interface}`));
}

async function findInterpreters(path: string): Promise<FoundInterpreter[]> {
  const found = await Promise.all(
    scriptLanguage.options.map(async (language) => {
      const interpreter = await findInterpreter(language, path);
      return interpreter ? { language, path: interpreter.path } : undefined;
    }),
  );
  return found.filter((interpreter) => interpreter !== undefined);
}

async function withVersion({ language, path }: FoundInterpreter): Promise<Inventory['interpreters'][number]> {
  if (path === process.execPath) return { language, path, version: process.versions.node };
  // sh(1) has no portable way to tell its version; some would read `--version` as a script.
  if (language === 'shell') return { language, path, version: null };
  try {
    const { stdout } = await runCommand(path, ['--version'], { timeoutMs: VERSION_MS });
    return { language, path, version: /\d+(\.\d+)+/.exec(stdout)?.[0] ?? null };
  } catch {
    return { language, path, version: null }; // it is there, but will not say
  }
}

const timezone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Firmware that nobody filled in says nothing, or one of these. */
const known = (text: string | undefined): string | null =>
  !text ||
  /^(-|unknown|none|not specified|default string|to be filled by o\.e\.m\.?|system (product name|manufacturer|serial number))$/i.test(
    text.trim(),
  )
    ? null
    : text.trim();
