/** A file while it is not whole: `.borealis-part-…` beside its place, renamed when every byte of it is right. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { COPY_PART_PREFIX } from '../protocol/copy.ts';
import type { Directory } from './directories.ts';
import {
  close,
  fchmod,
  fchown,
  fstat,
  futimes,
  lstat,
  lutimes,
  open,
  READ_FLAGS,
  readlink,
  rename,
  symlink,
  unlink,
  writeAt,
} from './files.ts';
import { FileProblem } from './problems.ts';

/** The same for each copy to that place, so that the next one finds what the last one left. */
export const partName = (name: string): string =>
  COPY_PART_PREFIX + createHash('sha256').update(name).digest('hex').slice(0, 16);

export interface Attributes {
  readonly mode: number;
  /** Milliseconds. */
  readonly mtime: number;
  /** Of the file that it replaces, where that is another's than ours; where we may, it stays theirs. */
  readonly owner?: Owner | undefined;
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/** Whatever of that name lies there is gone. `mode`: 0600, or more where that is final. */
const newPart = async (path: string, mode: number): Promise<number> => {
  try {
    return await open(path, NEW, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  await unlink(path);
  return open(path, NEW, mode);
};

/** Gives the part its name, with the attributes of the original. */
export const finishPart = async (
  fd: number,
  directory: Directory,
  name: string,
  { mode, mtime, owner }: Attributes,
  modeIsSet = false,
): Promise<void> => {
  if (owner) await fchown(fd, owner.uid, owner.gid).catch(notOurs);
  if (!modeIsSet || owner) await fchmod(fd, mode);
  await futimes(fd, mtime / 1_000, mtime / 1_000);
  await rename(directory.at(partName(name)), directory.at(name));
};

/** Only root gives files away; everybody else's copy is their own, like any file that they make. */
const notOurs = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPERM' && error.code !== 'EINVAL') throw error;
};

/** A small file, in one go. */
export const writeWhole = async (
  directory: Directory,
  name: string,
  content: Uint8Array,
  attributes: Attributes,
): Promise<void> => {
  const part = directory.at(partName(name));
  // Where the process's mask lets the mode through, it need not be set again.
  const plain = !masked(attributes.mode);
  const fd = await newPart(part, plain ? attributes.mode : 0o600);
  try {
    if (content.length > 0) await writeAt(fd, content, 0);
    await finishPart(fd, directory, name, attributes, plain);
  } catch (error) {
    await unlink(part).catch(() => {}); // it may have its name already
    throw error;
  } finally {
    await close(fd);
  }
};

let mask: number | undefined;
const masked = (mode: number): boolean => {
  mask ??= process.umask();
  return (mode & mask) !== 0;
};

/** A symbolic link, in one go as well: whoever looks sees the old one or the new one. `mtime`: milliseconds. */
export const writeLink = async (
  directory: Directory,
  name: string,
  { target, mtime }: { readonly target: string; readonly mtime: number },
): Promise<void> => {
  const part = directory.at(partName(name));
  await symlink(target, part).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    await unlink(part);
    await symlink(target, part);
  });
  try {
    await lutimes(part, mtime / 1_000, mtime / 1_000);
    await rename(part, directory.at(name));
  } catch (error) {
    await unlink(part).catch(() => {}); // it may have its name already
    throw error;
  }
};

/** True where that link was there already. Errors: of the file system. */
export const confirmLink = async (
  directory: Directory,
  name: string,
  { target, mtime }: { readonly target: string; readonly mtime: number },
): Promise<boolean> => {
  if (directory.fresh) return false;
  const path = directory.at(name);
  const there = await readlink(path).catch(() => undefined); // nothing, or no link
  if (there !== target) return false;
  await lutimes(path, mtime / 1_000, mtime / 1_000);
  return true;
};

export interface Found {
  /** Null: a symbolic link, which would be replaced. */
  readonly size: number | null;
  readonly owner: Owner | undefined;
}

/** What a file would replace; undefined where nothing is. Errors: FileProblem, of lstat(2). */
export const findReplaced = async (directory: Directory, name: string): Promise<Found | undefined> => {
  const found = await lstat(directory.at(name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!found) return undefined;
  if (found.isSymbolicLink()) return { size: null, owner: undefined };
  if (found.isDirectory()) throw new FileProblem('a directory is in its place');
  // As root, `cp x web-1:/dev/null` would take that device away from everybody.
  if (!found.isFile()) throw new FileProblem('a device, a pipe or a socket is in its place');
  const { uid, gid, size } = found;
  const ours = uid === process.geteuid?.() && gid === process.getegid?.();
  return { size, owner: ours ? undefined : { uid, gid } };
};

/** What was there already, and was compared: it gets mode and time. Errors: FileProblem where it changed meanwhile. */
export const confirmExisting = async (
  directory: Directory,
  name: string,
  { dev, ino, size }: { readonly dev: number; readonly ino: number; readonly size: number },
  { mode, mtime }: Attributes,
): Promise<void> => {
  const fd = await open(directory.at(name), READ_FLAGS);
  try {
    const found = await fstat(fd);
    if (found.dev !== dev || found.ino !== ino || found.size !== size || found.nlink !== 1)
      throw new FileProblem('it changed while it was compared');
    if ((found.mode & 0o7777) !== mode) await fchmod(fd, mode);
    if (Math.round(found.mtimeMs) !== mtime) await futimes(fd, mtime / 1_000, mtime / 1_000);
  } finally {
    await close(fd);
  }
};

export const damaged = (): FileProblem =>
  new FileProblem('it did not arrive as it was sent; its hash differs');
