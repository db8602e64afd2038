/** The machine beneath engine and agent: Node, clock, disk, packages, WireGuard. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Check } from '../../../protocol/engine.ts';
import { clockSynchronised } from '../../../sys/clock.ts';
import { diskUsage } from '../../../sys/disk.ts';
import { programRoot } from '../../manner/program.ts';
import { bytes } from '../../manner/size.ts';
import { found, ok, skipped } from './check.ts';

/** Below this share free, warn; below a third of it, fail. As the engine has it. */
const DISK_PERCENT = 10;

export const nodeCheck = (): Check => {
  const major = Number(process.versions.node.split('.', 1)[0]);
  if (major === 24) return ok('node', `Node ${process.versions.node} runs this.`);
  return found(
    'warn',
    'node',
    `Node ${process.versions.node} runs this; Borealis is made for Node 24.`,
    'Use bin/borealisctl, which brings its own, or run: npm run setup',
  );
};

export const clockCheck = async (): Promise<Check> => {
  const { synchronised, source, estimatedErrorMs } = await clockSynchronised();
  if (synchronised === null)
    return skipped('clock', 'This system does not say whether its clock is kept right.');
  if (synchronised) {
    const error =
      estimatedErrorMs === null ? '' : `, to about ${Math.max(1, Math.round(estimatedErrorMs))} ms`;
    return ok('clock', `The clock is kept right${source ? ` by ${source}` : ''}${error}.`);
  }
  return found(
    'warn',
    'clock',
    `Nothing keeps the clock of this machine right${source ? `, though ${source} runs` : ''}.`,
    source ? `See why ${source} has no time yet.` : 'Set up time synchronisation: apt-get install chrony',
  );
};

/** Of the nearest folder that is there: the state directory may not be made yet. */
export const diskCheck = async (state: string): Promise<Check> => {
  let path = state;
  while (!existsSync(path) && path !== dirname(path)) path = dirname(path);
  const { free, percent_free: percent } = await diskUsage(path);
  const text = `${percent.toFixed(percent < 10 ? 1 : 0)}% (${bytes(free)}) of the disk below ${state} is free.`;
  if (percent >= DISK_PERCENT) return ok('disk', text);
  const level = percent < DISK_PERCENT / 3 ? 'fail' : 'warn';
  return found(level, 'disk', `Only ${text}`, 'Free space there, or keep the state elsewhere with --state.');
};

/** In a checkout everything that its set-up wants; otherwise what the engine and the agent use. */
export const packagesCheck = (): Check => {
  if (!existsSync('/etc/debian_version'))
    return skipped('packages', 'This is not Debian; packages are not checked.');
  const missing = wantedPackages().filter(({ command }) => !commandExists(command));
  if (missing.length === 0) return ok('packages', 'Every Debian package that Borealis uses is installed.');
  const names = missing.map(({ name }) => name).join(' ');
  return found(
    'warn',
    'packages',
    `Missing: ${missing.map(({ name, reason }) => `${name} (${reason})`).join(', ')}.`,
    `apt-get install ${names}`,
  );
};

interface Wanted {
  readonly name: string;
  readonly command: string;
  readonly reason: string;
}

const wantedPackages = (): Wanted[] => {
  const list = join(programRoot(), 'scripts', 'debian-packages');
  if (!existsSync(list)) return RUN_TIME;
  return readFileSync(list, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', command = '', ...reason] = line.trim().split(/\s+/);
      return { name, command, reason: reason.join(' ') };
    });
};

const RUN_TIME: Wanted[] = [
  { name: 'iproute2', command: 'ip', reason: 'addresses, routes' },
  { name: 'nftables', command: 'nft', reason: 'the firewall of tunnels' },
  { name: 'wireguard-tools', command: 'wg', reason: 'tunnels and VPN' },
];

/** WireGuard in the kernel, as a module that can be loaded, or as a program. */
export const wireguardCheck = (): Check => {
  if (process.platform !== 'linux') return skipped('wireguard', 'Not checked on this system.');
  if (existsSync('/sys/module/wireguard')) return ok('wireguard', 'WireGuard is in the kernel.');
  if (moduleIsInstalled())
    return ok('wireguard', 'WireGuard is a kernel module that is loaded when it is needed.');
  if (commandExists('wireguard-go'))
    return ok('wireguard', 'The kernel has no WireGuard; wireguard-go takes its place, somewhat slower.');
  return found(
    'warn',
    'wireguard',
    'Neither the kernel nor a program here speaks WireGuard: no tunnels, no VPN.',
    'apt-get install wireguard-go, or use a kernel with the module wireguard',
  );
};

const moduleIsInstalled = (): boolean => {
  const modules = join('/lib/modules', release());
  try {
    if (/wireguard\.ko/.test(readFileSync(join(modules, 'modules.builtin'), 'utf8'))) return true;
    return readdirSync(join(modules, 'kernel/drivers/net/wireguard')).length > 0;
  } catch {
    return false; // a kernel without modules, as in many containers
  }
};

/** The sbin folders count: an ordinary user's path lacks them, sudo's has them. */
const commandExists = (command: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return folder !== '';
    } catch {
      return false; // not in this folder; the next may have it
    }
  });
