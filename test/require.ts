/**
 * What a test needs of the machine. Where it is not there, the test is skipped by name and with the reason:
 *
 *   describe('a tunnel', requires('root', 'namespaces', 'nft'), () => { … });
 *   test('boots under systemd', { ...requires('root', 'systemd-nspawn'), timeout: 300_000 }, async () => { … });
 *
 * Hooks of a skipped `describe` do not run. A skip without a reason fails the run (test/reporter.ts).
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { commandExists, isDebian, isRoot, parsePackages } from '../scripts/debian.ts';
import { clocksJump } from './lab/wall-clock.ts';

declare module 'vitest' {
  interface TaskMeta {
    skipReason?: string;
  }
}

const succeeds = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;

/** What is more than a command on the path. Each is tried, not guessed. */
const probes = {
  root: { met: isRoot, reason: 'needs root' },
  linux: { met: () => process.platform === 'linux', reason: 'needs Linux' },
  debian: { met: isDebian, reason: 'needs Debian' },
  namespaces: {
    met: () => {
      const kinds = ['--net', '--mount', '--pid', '--fork', '--uts', '--ipc', '--mount-proc'];
      const mounts = 'mount -t tmpfs none /mnt && mount -t sysfs none /sys && ip link add type bridge';
      return succeeds('unshare', ...kinds, 'sh', '-c', mounts);
    },
    reason: 'needs namespaces of network, mounts and processes, which this machine (a container?) forbids',
  },
  tmpfs: {
    met: () => succeeds('unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /mnt'),
    reason: 'needs to mount a tmpfs, which this machine (a container?) forbids',
  },
  'clocks that jump': { met: clocksJump, reason: 'needs faketime (Debian package faketime)' },
  'a private sshd': {
    met: () =>
      isRoot() &&
      isDebian() &&
      commandExists('ssh-keygen') &&
      succeeds('unshare', '--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'),
    reason: 'needs root on Debian, openssh-client and mount namespaces, to run an sshd of its own',
  },
} as const satisfies Record<string, { met: () => boolean; reason: string }>;

type Probe = keyof typeof probes;
const isProbe = (need: string): need is Probe => Object.hasOwn(probes, need);

const answers = new Map<string, string | undefined>();

/** `need` is a probe's name or a command. Returns why it is not met. */
function unmet(need: string): string | undefined {
  if (!answers.has(need)) answers.set(need, isProbe(need) ? tryProbe(need) : lookUp(need));
  return answers.get(need);
}

function tryProbe(need: Probe): string | undefined {
  const { met, reason } = probes[need];
  return met() ? undefined : reason;
}

function lookUp(command: string): string | undefined {
  if (commandExists(command)) return undefined;
  const list = readFileSync(new URL('../scripts/debian-packages', import.meta.url), 'utf8');
  const from = parsePackages(list).find((entry) => entry.command === command);
  return `needs ${command}${from ? ` (Debian package ${from.name})` : ''}`;
}

export interface Requirement {
  readonly skip?: true;
  readonly meta?: { readonly skipReason: string };
}

// `(string & {})` keeps the names of the probes in an editor's completion while admitting any command.
export function requires(...needs: readonly (Probe | (string & {}))[]): Requirement {
  const reasons = needs.map(unmet).filter((reason) => reason !== undefined);
  return reasons.length === 0 ? {} : { skip: true, meta: { skipReason: reasons.join('; ') } };
}
