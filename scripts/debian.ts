/** The operating system's part of set-up: which commands are missing, and on Debian as root, installing them. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface SystemPackage {
  readonly name: string;
  /** A command that the package brings; what counts is that it is there, wherever it came from. */
  readonly command: string;
  readonly reason: string;
}

/** One package a line: name, command, reason; `#` begins a comment. */
export function parsePackages(text: string): SystemPackage[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', command = '', ...reason] = line.trim().split(/\s+/);
      return { name, command, reason: reason.join(' ') };
    });
}

/** Is `command` somewhere on the path? The sbin folders count: an ordinary user's path lacks them, sudo's has them. */
export function commandExists(command: string, path = process.env.PATH ?? ''): boolean {
  const folders = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return folder !== '';
    } catch {
      return false; // not in this folder; the next may have it
    }
  });
}

export function missingPackages(): SystemPackage[] {
  const list = readFileSync(new URL('debian-packages', import.meta.url), 'utf8');
  return parsePackages(list).filter(({ command }) => !commandExists(command));
}

export const isRoot = (): boolean => process.getuid?.() === 0;
export const isDebian = (): boolean => existsSync('/etc/debian_version') && commandExists('apt-get');

/** The command for whoever may run it. */
export function installCommand(packages: readonly SystemPackage[]): string {
  return `apt-get install ${packages.map(({ name }) => name).join(' ')}`;
}

/**
 * Installs `packages` with apt-get, refreshing its lists only when they do not do. Returns those still missing.
 * Every wait is bounded: a machine without a Debian mirror goes on in seconds rather than in apt's own minutes.
 */
export function installPackages(packages: readonly SystemPackage[]): SystemPackage[] {
  const stillMissing = () => packages.filter(({ command }) => !commandExists(command));
  const install = (names: readonly string[]) =>
    apt(['install', '--yes', '--no-install-recommends', ...names]);
  const names = () => stillMissing().map(({ name }) => name);

  if (install(names())) return stillMissing();
  if (apt(['update'])) {
    if (install(names())) return stillMissing();
    // One package that this release does not have must not keep the others away.
    for (const name of names()) install([name]);
  }
  return stillMissing();
}

function apt(args: readonly string[]): boolean {
  const limits = [
    'Acquire::http::Timeout=10',
    'Acquire::https::Timeout=10',
    'Acquire::Retries=1',
    'DPkg::Lock::Timeout=120',
    // Otherwise a refresh that reached no mirror counts as done.
    'APT::Update::Error-Mode=any',
  ];
  const options = limits.flatMap((limit) => ['-o', limit]);
  const { status } = spawnSync('apt-get', ['-qq', ...options, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 2],
    timeout: 15 * 60_000,
  });
  return status === 0;
}
