/** What is there already of a file that comes: all of it, or the part that an earlier copy left. */
import type { Hash } from 'node:crypto';
import type { CopyFile } from '../protocol/copy.ts';
import { COPY_WHOLE_MAX } from '../protocol/copy.ts';
import type { Directory } from './directories.ts';
import { close, fstat, open, READ_FLAGS } from './files.ts';
import { hashPrefix } from './hash-file.ts';
import { findReplaced, type Owner, partName } from './part-file.ts';

export interface Existing {
  readonly kind: 'part' | 'whole';
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  /** Of all of it. */
  readonly state: Hash;
}

export interface Looked {
  readonly existing: Existing | undefined;
  readonly owner: Owner | undefined;
}

/** Errors: FileProblem where nothing may come to that place, of lstat(2). */
export const lookFor = async (directory: Directory, name: string, { size }: CopyFile): Promise<Looked> => {
  if (directory.fresh) return { existing: undefined, owner: undefined };
  const found = await findReplaced(directory, name);
  const owner = found?.owner;
  // What is small comes in one go and leaves no part.
  const part =
    size > COPY_WHOLE_MAX ? await readExisting('part', directory.at(partName(name)), 1, size) : undefined;
  if (part) return { existing: part, owner };
  const same = found?.size === size;
  return { existing: same ? await readExisting('whole', directory.at(name), size, size) : undefined, owner };
};

/** A plain file with this one name. Undefined where it is not of use, whatever the reason: then everything comes anew. */
const readExisting = async (
  kind: Existing['kind'],
  path: string,
  least: number,
  most: number,
): Promise<Existing | undefined> => {
  let fd: number | undefined;
  try {
    fd = await open(path, READ_FLAGS);
    const stats = await fstat(fd);
    const { dev, ino, size } = stats;
    if (!stats.isFile() || stats.nlink !== 1 || size < least || size > most) return undefined;
    // What another left there could be changed by them while it is being written.
    if (kind === 'part' && !isOwn(stats)) return undefined;
    const state = await hashPrefix(fd, size);
    return state && { kind, dev, ino, size, state };
  } catch {
    return undefined; // most often there is none; what cannot be read is replaced
  } finally {
    if (fd !== undefined) await close(fd);
  }
};

export const isOwn = ({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean =>
  uid === (process.geteuid?.() ?? uid) && (mode & 0o022) === 0;
