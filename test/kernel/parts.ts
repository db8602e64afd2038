/**
 * What a virtual machine with a kernel of Debian's needs: the emulator, installed; the kernel and a busybox, unpacked
 * into a folder of this checkout and nowhere else. Fetched once; delete the folder for newer ones.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { commandExists, installPackages, isDebian, isRoot, parsePackages } from '../../scripts/debian.ts';

const PACKAGES = parsePackages(`
qemu-system-x86  qemu-system-x86_64  runs the machine
kmod             modprobe            loads modules, in the machine too
`);

/** Of a kernel's modules, the folders with networks, file systems and virtual hardware: a sixth of them all. */
const FOLDERS = [
  'net',
  'fs',
  'lib',
  'crypto',
  'arch',
  'drivers/virtio',
  'drivers/char',
  'drivers/net/wireguard',
];
const DRIVERS = ['tun', 'veth', 'dummy', 'ifb', 'macvlan', 'vrf'];

export interface Parts {
  readonly kernel: string;
  readonly release: string;
  /** With a folder for the release. */
  readonly modules: string;
  readonly busybox: string;
}

/** Errors: with what is missing, in a sentence. */
export const parts = (root: string, say: (message: string) => void): Parts => {
  if (process.arch !== 'x64') throw new Error('only the kernel of amd64 is run by this');
  if (!isRoot() || !isDebian()) throw new Error('root on Debian is needed');
  if (PACKAGES.some(({ command }) => !commandExists(command))) {
    say(`installing ${PACKAGES.map(({ name }) => name).join(' ')}`);
    const missing = installPackages(PACKAGES.filter(({ command }) => !commandExists(command)));
    if (missing.length > 0)
      throw new Error(`could not be had: ${missing.map(({ name }) => name).join(', ')}`);
  }
  const folder = join(root, '.node', 'kernel');
  if (!existsSync(folder)) {
    say('fetching a kernel of Debian');
    fetch(folder);
  }
  const [kernel] = globSync(join(folder, 'boot/vmlinuz-*'));
  if (kernel === undefined) throw new Error(`${folder} is not complete; delete it`);
  return {
    kernel,
    release: basename(kernel).replace('vmlinuz-', ''),
    modules: join(folder, 'lib/modules'),
    busybox: join(folder, 'busybox'),
  };
};

const fetch = (folder: string): void => {
  mkdirSync(join(folder, '..'), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const image = imagePackage();
    download(work, [image, 'busybox-static']);
    const made = join(work, 'made');
    mkdirSync(made);
    // In Debian 13 /lib is a link to /usr/lib, and so the package has its modules there.
    const from = (path: string): string[] => [`./lib/modules/*/${path}`, `./usr/lib/modules/*/${path}`];
    unpack(work, image, made, [
      './boot/vmlinuz-*',
      ...from('modules.*'),
      ...FOLDERS.flatMap((name) => from(`kernel/${name}/*`)),
      ...DRIVERS.flatMap((name) => from(`kernel/drivers/net/${name}.ko*`)),
    ]);
    if (existsSync(join(made, 'usr/lib'))) renameSync(join(made, 'usr/lib'), join(made, 'lib'));
    const release = basename(globSync(join(made, 'lib/modules/*'))[0] ?? '');
    execFileSync('depmod', ['--basedir', made, release]);
    unpack(work, 'busybox-static', work, ['./bin/busybox', './usr/bin/busybox']);
    renameSync(globSync(join(work, '{bin,usr/bin}/busybox'))[0]!, join(made, 'busybox'));
    renameSync(made, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

/** The one on which the package without a version depends. */
const imagePackage = (): string => {
  const text = execFileSync('apt-cache', ['depends', 'linux-image-amd64'], { encoding: 'utf8' });
  const name = /Depends: (linux-image-\S+)/.exec(text)?.[1];
  if (name === undefined) throw new Error('apt knows no linux-image-amd64; apt-get update');
  return name;
};

/** As root, into a folder of root's, apt would warn that its own user cannot write there. */
const QUIET = ['-qq', '-o', 'APT::Sandbox::User=root'];

const download = (into: string, names: readonly string[]): void => {
  const get = () =>
    spawnSync('apt-get', [...QUIET, 'download', ...names], { cwd: into, stdio: ['ignore', 2, 2] });
  if (get().status === 0) return;
  // Lists of last month name files that are gone.
  execFileSync('apt-get', ['-qq', 'update'], { stdio: ['ignore', 2, 2] });
  if (get().status !== 0) throw new Error(`apt-get download ${names.join(' ')} failed`);
};

const unpack = (from: string, name: string, into: string, patterns: readonly string[]): void => {
  const [file] = globSync(join(from, `${name}_*.deb`));
  // A pattern for another release of Debian matches nothing, which tar calls an error, having unpacked the rest.
  const script =
    'file=$1; into=$2; shift 2; dpkg --fsys-tarfile "$file" | tar -x -C "$into" --wildcards "$@" 2>/dev/null || true';
  execFileSync('sh', ['-c', script, 'unpack', file!, into, ...patterns]);
};
