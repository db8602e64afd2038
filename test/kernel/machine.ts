/**
 * A virtual machine with this computer's files, to be read: what is written in it is in its memory, and gone with it. It has
 * no network but its own. Its kernel is Debian's (parts.ts).
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  constants,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { cpio } from './cpio.ts';
import type { Parts } from './parts.ts';

const MEMORY_MIB = 4_096;
const PROCESSORS = 2;
/** To get to its root file system. */
const MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay'];

export interface Ran {
  /** Of the command; undefined where the machine ended before it did, or was ended by `limitMs`. */
  readonly status: number | undefined;
  readonly late: boolean;
}

/**
 * Hardware does it (kvm), else a program (tcg), many times slower. A /dev/kvm without the processor's part, as some clouds
 * have it, runs their own kernels only, and hangs with others.
 */
export const isFast = (): boolean => {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return /^flags.* (vmx|svm)( |$)/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false; // no such device, or somebody else's
  }
};

/** Runs `script`, of sh(1), as root in a machine of its own; what it writes comes on standard output. */
export const runInside = async (parts: Parts, script: string, limitMs: number): Promise<Ran> => {
  const folder = mkdtempSync(join(tmpdir(), 'borealis-kernel-'));
  try {
    const [initrd, result] = [join(folder, 'initrd'), mkdtempSync(join(folder, 'result-'))];
    writeFileSync(initrd, gzipSync(firstFiles(parts), { level: 1 }));
    writeFileSync(join(result, 'command'), script);
    copyFileSync(join(import.meta.dirname, 'inside.sh'), join(result, 'inside.sh'));
    const late = await emulate(emulatorArgs(parts, initrd, result), limitMs);
    return { status: statusIn(result), late };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const firstFiles = ({ busybox, modules, release }: Parts): Buffer => {
  const base = join(modules, '..', '..');
  const files = MODULES.flatMap((name) => {
    const args = ['--dirname', base, '--set-version', release, '--show-depends', name];
    const shown = execFileSync('modprobe', args, { encoding: 'utf8' });
    return [...shown.matchAll(/^insmod (\S+)/gm)].map(([, file]) => file!);
  });
  const inOrder = [...new Set(files)];
  const order = inOrder.map((file) => `${basename(file)}\n`).join('');
  return cpio([
    { path: 'init', content: readFileSync(join(import.meta.dirname, 'init.sh')), executable: true },
    { path: 'bin/busybox', content: readFileSync(busybox), executable: true },
    { path: 'modules/order', content: Buffer.from(order) },
    ...inOrder.map((file) => ({ path: `modules/${basename(file)}`, content: readFileSync(file) })),
  ]);
};

const emulatorArgs = ({ kernel, modules }: Parts, initrd: string, result: string): string[] => {
  const share = (tag: string, path: string, more: string): string[] => [
    '-virtfs',
    `local,mount_tag=${tag},path=${path},security_model=none,multidevs=remap${more}`,
  ];
  // Where this computer is a virtual machine itself, that register may be offered and not be there to be written.
  const [accelerator, processor] = isFast()
    ? ['kvm', 'host,arch-capabilities=off']
    : ['tcg,thread=multi', 'max'];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
    ...['-machine', 'q35', '-accel', accelerator, '-cpu', processor],
    ...['-smp', String(PROCESSORS), '-m', String(MEMORY_MIB)],
    ...['-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 quiet panic=-1'],
    ...share('root', '/', ',readonly=on'),
    ...share('modules', modules, ',readonly=on'),
    ...share('result', result, ''),
  ];
};

/** Resolves when it has ended; to true where it had to be ended. It ends with this process, however that ends. */
const emulate = (args: readonly string[], limitMs: number): Promise<boolean> => {
  const emulator = ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64'];
  const child = spawn('setpriv', [...emulator, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  return ended(child, limitMs);
};

const ended = (child: ChildProcess, limitMs: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limitMs);
    // Whoever ends this ends the machine, and what was made for it is removed.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => child.kill('SIGKILL'));
    }
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(limit);
      resolve(late);
    });
  });

const statusIn = (result: string): number | undefined => {
  try {
    return Number(readFileSync(join(result, 'status'), 'utf8'));
  } catch {
    return undefined; // the command did not come to its end
  }
};
