/** The Debian packages that Borealis uses. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '../../../protocol/engine.ts';
import { found, ok, skipped } from '../../../sys/doctor/check.ts';
import { commandExists } from '../../../sys/doctor/machine.ts';
import { programRoot } from '../../manner/program.ts';

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
