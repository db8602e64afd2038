/** The machine beneath engine and agent: Node, clock, disk, WireGuard. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Check } from '../../protocol/engine.ts';
import { clockSynchronised } from '../clock.ts';
import { type DiskUsage, diskUsage } from '../disk.ts';
import { found, ok, skipped } from './check.ts';

/** Below this share free, warn; below a third of it, fail. */
const DISK_PERCENT = 10;
const MIB = 1_048_576;

/** `program` brings its own Node. */
export const nodeCheck = (program: 'borealisctl' | 'borealis-agent'): Check => {
  const major = Number(process.versions.node.split('.', 1)[0]);
  if (major === 24) return ok('node', `Node ${process.versions.node} runs this.`);
  return found(
    'warn',
    'node',
    `Node ${process.versions.node} runs this; Borealis is made for Node 24.`,
    `Use bin/${program}, which brings its own, or run: npm run setup`,
  );
};

/** Whether something keeps the clock; whether it is right, another clock has to say. */
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

/** What `usage` means for the state kept there. */
export const diskFinding = (state: string, usage: DiskUsage, remedy: string): Check => {
  const { free, percent_free: percent } = usage;
  const room =
    free < 1_024 * MIB ? `${Math.round(free / MIB)} MiB` : `${(free / MIB / 1_024).toFixed(1)} GiB`;
  const text = `${percent.toFixed(percent < 10 ? 1 : 0)}% (${room}) of the disk below ${state} is free.`;
  if (percent >= DISK_PERCENT) return ok('disk', text);
  return found(percent < DISK_PERCENT / 3 ? 'fail' : 'warn', 'disk', `Only ${text}`, remedy);
};

/** Of the nearest folder that is there: the state directory may not be made yet. */
export const diskCheck = async (state: string): Promise<Check> => {
  let path = state;
  while (!existsSync(path) && path !== dirname(path)) path = dirname(path);
  const remedy = 'Free space there, or keep the state elsewhere with --state.';
  return diskFinding(state, await diskUsage(path), remedy);
};

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
export const commandExists = (command: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return folder !== '';
    } catch {
      return false; // not in this folder; the next may have it
    }
  });
