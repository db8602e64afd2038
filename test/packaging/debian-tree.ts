/** A Debian that can be booted, made once by debootstrap(8) and kept in the temporary folder for later runs. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError, runCommand, runOrFail } from '../../src/sys/command.ts';
import { ensurePrivateDirectory } from '../../src/sys/files.ts';

/** What the services' machine has beyond the smallest Debian: an init with its bus, authorities for TLS, what tunnels need. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'ca-certificates'],
  ...['iproute2', 'nftables', 'wireguard-tools', 'wireguard-go'],
];
const BUILD_MS = 15 * 60_000;

/** No Debian can be had here, and the machine is to blame rather than the code. */
export class NoMirror extends Error {}

/** The folder of a tree that is not to be changed. Errors: NoMirror where none answers; CommandError. */
export const debianTree = async (): Promise<string> => {
  const suite = await hostSuite();
  const key = createHash('sha256')
    .update([suite, process.arch, ...PACKAGES].join('\n'))
    .digest('hex');
  const cache = join(tmpdir(), `borealis-debian-${process.getuid?.()}`);
  const tree = join(cache, `${suite}-${key.slice(0, 12)}`);
  if (existsSync(tree)) return tree;
  await ensurePrivateDirectory(cache);
  const fresh = await mkdtemp(join(cache, 'building-'));
  try {
    await bootstrap(suite, join(fresh, 'tree'));
    await rm(join(fresh, 'tree/var/cache/apt'), { recursive: true, force: true });
    // Whoever was faster has made the same.
    await rename(join(fresh, 'tree'), tree).catch(() => {});
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return tree;
};

const bootstrap = async (suite: string, tree: string): Promise<void> => {
  const args = ['--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, tree, ...(await hostMirror())];
  try {
    // In a mount namespace of its own, so that nothing stays mounted when it is cut off.
    await runOrFail(runCommand, 'unshare', ['--mount', 'debootstrap', ...args], { timeoutMs: BUILD_MS });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const said = `${error.result.stdout}${error.result.stderr}`;
    const noMirror = /^E: (Failed getting release file|Couldn't download|Invalid Release file).*$/m.exec(
      said,
    );
    if (noMirror) throw new NoMirror(`needs a Debian mirror within reach; debootstrap says: ${noMirror[0]}`);
    throw error;
  }
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
