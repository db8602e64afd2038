/** A file that is there whole or not at all, and that only its owner may read. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { access, constants, link, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BorealisError } from '../../protocol/errors.ts';
import { syncDirectory } from '../../sys/files.ts';

export interface NewFileOptions {
  /** Take the place of a file that is there. */
  readonly replace: boolean;
  /** Bytes so far. */
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal;
}

/** Errors: USAGE where the file exists and is not to be replaced. */
const demandFree = async (path: string): Promise<void> => {
  const there = await access(path).then(
    () => true,
    () => false, // what else is wrong with it shows when it is written
  );
  if (there) throw exists(path);
};

/** Before anybody is asked for anything. Errors: USAGE as `demandFree`; those of access(2) on the directory. */
export const demandRoom = async (path: string, replace: boolean): Promise<void> => {
  await access(dirname(resolve(path)), constants.W_OK);
  if (!replace) await demandFree(path);
};

/**
 * Writes beside it, to the disk, and puts it in its place last. Returns its size in bytes.
 * Errors: USAGE as `demandFree`; DISK_FULL; those of open(2) and of the content.
 */
export const writeNewFile = async (
  path: string,
  content: Readable,
  { replace, onBytes, signal }: NewFileOptions,
): Promise<number> => {
  const target = resolve(path);
  const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.new`);
  let size = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      onBytes?.(size);
      done(null, chunk);
    },
  });
  try {
    const file = createWriteStream(beside, { flags: 'wx', mode: 0o600 });
    await pipeline(content, counted, file, signal ? { signal } : {});
    await sync(beside);
    await (replace ? rename(beside, target) : putWhereNoneIs(beside, target));
    await syncDirectory(dirname(target));
    return size;
  } catch (error) {
    await unlink(beside).catch(() => {}); // was never made, or is in its place already
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw exists(target);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new BorealisError('DISK_FULL', { detail: `${target} was not written.`, cause: error });
    // The name beside it means nothing to anybody: what is wrong is wrong with the directory.
    if ((error as NodeJS.ErrnoException).path === beside)
      Object.assign(error as object, { path: dirname(target) });
    throw error;
  }
};

/** link(2) fails where the name is taken, rename(2) replaces. */
const putWhereNoneIs = async (beside: string, target: string): Promise<void> => {
  try {
    await link(beside, target);
    await unlink(beside);
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await demandFree(target);
    await rename(beside, target);
  }
};
/** File systems without hard links, FAT for one. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

const sync = async (path: string): Promise<void> => {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const exists = (path: string): BorealisError =>
  new BorealisError('USAGE', {
    detail: `${path} exists already.`,
    next: 'Name another file, or add --force.',
  });
