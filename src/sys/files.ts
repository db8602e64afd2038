/** Files that must survive a power cut, and files that hold secrets. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { BorealisError } from '../protocol/errors.ts';

/**
 * Puts `data` at `path`: after this resolves the file is whole and on disk; before, the old one is (rename(2), fsync(2)
 * of file and directory). `mode` is set whatever the umask.
 */
export const writeFileDurably = async (
  path: string,
  data: string | Uint8Array,
  { mode }: { mode: number },
): Promise<void> => {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw new BorealisError('DISK_FULL', { cause: error });
    throw error;
  }
  await syncDirectory(dirname(path));
};

/** Makes names in a directory (created, renamed, removed) durable. */
export const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

/** Makes `path` if need be. Errors: STATE_UNSAFE where it is a link, another's, or open to others beyond `mode`. */
export const ensurePrivateDirectory = async (path: string, mode = 0o700): Promise<void> => {
  await mkdir(path, { recursive: true, mode });
  const found = await lstat(path);
  const unsafe = (detail: string): BorealisError => new BorealisError('STATE_UNSAFE', { detail: `${path} ${detail}` });
  if (!found.isDirectory()) throw unsafe('is not a directory.');
  const self = process.geteuid?.();
  if (self !== undefined && found.uid !== self) throw unsafe(`belongs to the user with uid ${found.uid}.`);
  if ((found.mode & 0o777 & ~mode) !== 0) throw unsafe(`has mode ${(found.mode & 0o777).toString(8)}, wanted ${mode.toString(8)}.`);
};

/** Errors: STATE_UNSAFE where others could read or change the file; those of open(2). */
export const readSecretFile = async (path: string): Promise<Buffer> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode, uid } = await file.stat();
    const self = process.geteuid?.();
    if (self !== undefined && uid !== self && uid !== 0) {
      throw new BorealisError('STATE_UNSAFE', { detail: `${path} belongs to the user with uid ${uid}.` });
    }
    if ((mode & 0o077) !== 0) {
      throw new BorealisError('STATE_UNSAFE', { detail: `${path} has mode ${(mode & 0o777).toString(8)}, wanted 600.` });
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
};
