/** A Debian that can be booted, made once by debootstrap(8) and kept in the temporary folder for later runs. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, runOrFail } from '../../src/sys/command.ts';

/** What the services' machine has beyond the smallest Debian: an init with its bus, and authorities for TLS. */
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'ca-certificates'];
const BUILD_MS = 15 * 60_000;

/** The folder of a tree that is not to be changed. Rejects where no mirror answers, with what debootstrap said. */
export const debianTree = async (): Promise<string> => {
  const suite = await hostSuite();
  const key = createHash('sha256')
    .update([suite, process.arch, ...PACKAGES].join('\n'))
    .digest('hex');
  const cache = join(tmpdir(), `borealis-debian-${process.getuid?.()}`);
  const tree = join(cache, `${suite}-${key.slice(0, 12)}`);
  if (existsSync(tree)) return tree;
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const fresh = await mkdtemp(join(cache, 'building-'));
  try {
    await runOrFail(
      runCommand,
      'debootstrap',
      [
        '--variant=minbase',
        `--include=${PACKAGES.join(',')}`,
        suite,
        join(fresh, 'tree'),
        ...(await hostMirror()),
      ],
      { timeoutMs: BUILD_MS },
    );
    await rm(join(fresh, 'tree/var/cache/apt'), { recursive: true, force: true });
    // Whoever was faster has made the same.
    await rename(join(fresh, 'tree'), tree).catch(() => {});
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return tree;
};

const hostSuite = async (): Promise<string> => {
  const release = await readFile('/etc/os-release', 'utf8');
  return /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? 'stable';
};

/** The mirror that this machine itself uses: another may be out of its reach. debootstrap's own where none is found. */
const hostMirror = async (): Promise<string[]> => {
  const { stdout } = await runCommand(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI) $(ORIGIN)', 'Created-By: Packages', 'Label: Debian'],
    { timeoutMs: 60_000 },
  );
  const [uri] = stdout.split('\n').filter((line) => line.endsWith(' Debian'));
  return uri ? [uri.split(' ')[0]!] : [];
};
