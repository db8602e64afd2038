/** What is there already of a file that comes: all of it, or the part that an earlier copy left. */
import type { Hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CopyFile } from '../protocol/copy.ts';
import { COPY_ALIVE_MS, COPY_SILENCE_MS, COPY_WHOLE_MAX } from '../protocol/copy.ts';
import { tryLockFile } from '../sys/file-lock.ts';
import type { Directory } from './directories.ts';
import { close, fstat, open, READ_FLAGS } from './files.ts';
import { hashPrefix } from './hash-file.ts';
import { findReplaced, type Owner, partName } from './part-file.ts';

/** A copy whose other side has gone knows it by then, and gives up the part that it was writing. */
const GONE_MS = COPY_SILENCE_MS + COPY_ALIVE_MS;
const ASK_MS = 50;

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

export interface Patience {
  /** For a copy to the same place that may only not know yet that it is over. GONE_MS where not given. */
  readonly patienceMs?: number | undefined;
  /** Nobody wants the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** Errors: FileProblem where nothing may come to that place, of lstat(2). */
export const lookFor = async (
  directory: Directory,
  name: string,
  { size }: CopyFile,
  patience: Patience = {},
): Promise<Looked> => {
  if (directory.fresh) return { existing: undefined, owner: undefined };
  // What is small comes in one go and leaves no part.
  const part =
    size > COPY_WHOLE_MAX ? await readPart(directory.at(partName(name)), size, patience) : undefined;
  const found = await findReplaced(directory, name);
  const owner = found?.owner;
  if (part) return { existing: part, owner };
  const same = found?.size === size;
  return { existing: same ? await readExisting('whole', directory.at(name), size, size) : undefined, owner };
};

/** What is of use of it once nobody writes to it. */
const readPart = async (
  path: string,
  most: number,
  { patienceMs = GONE_MS, signal }: Patience,
): Promise<Existing | undefined> => {
  const until = performance.now() + patienceMs;
  while (!(await isIdle(path)) && performance.now() < until && !signal?.aborted)
    await sleep(ASK_MS, undefined, { signal }).catch(() => {}); // met by the loop
  return readExisting('part', path, 1, most);
};

const isIdle = async (path: string): Promise<boolean> => {
  let fd: number | undefined;
  try {
    fd = await open(path, READ_FLAGS);
    return tryLockFile(fd, 'shared');
  } catch {
    return true; // it is not there, or of no use
  } finally {
    if (fd !== undefined) await close(fd);
  }
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
