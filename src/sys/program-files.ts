/**
 * The files that the programs are at run time, and copying them where a service runs them from: a place that root alone
 * can write, and that no `git pull` or `npm ci` changes under a running daemon.
 */
import { constants, existsSync } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';

/** Packages with machine code; the bundles load them from node_modules. */
export const NATIVE_PACKAGES = ['better-sqlite3', 'koffi', 'node-pty'] as const;

/**
 * Node's flags for the engine, in bin/borealisd too. V8 lets the space for young objects grow to 128 MiB when thousands of
 * agents come at once, and keeps it: a fourth of all that the engine then has. 16 MiB of it is enough.
 */
export const ENGINE_NODE_FLAGS = ['--max-semi-space-size=8'] as const;

/** What a program needs besides its bundle: the packages, koffi's part for this platform, and Node itself. */
const RUNTIME_PACKAGES = [...NATIVE_PACKAGES, `@koromix/koffi-${process.platform}-${process.arch}`, 'node'];
const FOLDERS = ['bin', 'dist', 'packaging', 'completions', 'docs', 'man'];

/**
 * Makes `to` a copy of the program at `from`, all at once: whoever starts it gets the old or the new. What it replaces
 * is removed. Owner is whoever runs this; nobody else can write. Errors: NOT_BUILT, DISK_FULL.
 */
export const copyProgram = async (from: string, to: string): Promise<void> => {
  for (const needed of ['dist/borealisd.cjs', 'dist/borealis-agent.cjs', 'node_modules/node/bin/node']) {
    if (!existsSync(join(from, needed))) {
      throw new BorealisError('NOT_BUILT', { detail: `${join(from, needed)} is missing.` });
    }
  }
  const fresh = join(dirname(to), `.${basename(to)}.new`);
  const old = join(dirname(to), `.${basename(to)}.old`);
  const made = await mkdir(dirname(to), { recursive: true });
  if (made !== undefined) await openFolders(made);
  await removeTree(fresh);
  try {
    await mkdir(fresh);
    await copyFile(join(from, 'package.json'), join(fresh, 'package.json'));
    for (const folder of FOLDERS) {
      if (existsSync(join(from, folder)))
        await copyTree(join(from, folder), join(fresh, folder), isProgramFile);
    }
    for (const name of RUNTIME_PACKAGES) {
      await copyTree(join(from, 'node_modules', name), join(fresh, 'node_modules', name), isRuntimeFile);
    }
    await openFolders(fresh);
    await removeTree(old);
    if (existsSync(to)) await rename(to, old);
    await rename(fresh, to);
  } catch (error) {
    await removeTree(fresh);
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new BorealisError('DISK_FULL', { detail: `${to} was not written.`, cause: error });
    }
    throw error;
  }
  await removeTree(old);
};

/** Folders that a strict umask has closed are opened for reading, to the service's user among others. */
const openFolders = async (root: string): Promise<void> => {
  await chmod(root, 0o755);
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
};

export const removeTree = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

/** Leftovers of a build that was cut off stay behind. */
const isProgramFile = (path: string): boolean => !path.endsWith('.new');

/** Of a package only what Node loads; sources, documents and other platforms' machine code stay behind. */
const isRuntimeFile = (path: string): boolean => {
  if (basename(path) === 'node' || /^LICEN[CS]E/i.test(basename(path))) return true;
  if (path.endsWith('.node')) return !path.includes('/prebuilds/') || path.includes(PLATFORM);
  return /\.(js|cjs|mjs|json)$/.test(path) && !/\.test\.js$/.test(path);
};
const PLATFORM = `${process.platform}-${process.arch}`;

/** Folders of packages in which nothing is that is loaded. */
const SKIPPED = new Set(['.git', 'deps', 'doc', 'third_party', 'typings', 'vendor']);

/** Links are followed: what the copy has, it has itself. Folders in which nothing is wanted are not made. */
const copyTree = async (from: string, to: string, wanted: (path: string) => boolean): Promise<void> => {
  const target = await realpath(from);
  const stats = await lstat(target);
  if (!stats.isDirectory()) {
    if (!wanted(from)) return;
    await mkdir(dirname(to), { recursive: true });
    await copyFile(target, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await chmod(to, stats.mode & 0o111 ? 0o755 : 0o644);
    return;
  }
  for (const name of await readdir(target)) {
    if (!(from.includes('/node_modules/') && SKIPPED.has(name))) {
      await copyTree(join(from, name), join(to, name), wanted);
    }
  }
};
