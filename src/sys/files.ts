/** Files that must survive a crash, and files that only their owner may read. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const OTHERS = 0o077;
/** Largest secret that is read unless told otherwise: what is larger is none. */
const SECRET_BYTES_MAX = 1024 * 1024;

const currentUid = (): number => process.geteuid?.() ?? 0;
const octal = (mode: number): string => `0${(mode & 0o7777).toString(8)}`;
const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const unsafe = (detail: string, next: string) => new BorealisError('STATE_UNSAFE', { detail, next });

/**
 * Replaces the whole file at once: whoever reads sees the old or the new, also after a power cut; when this resolves
 * it is the new. The mode is exact, whatever the umask. Errors: DISK_FULL, those of open(2), write(2), rename(2).
 */
export const writeFileDurably = async (
  path: string,
  data: string | Uint8Array,
  { mode }: { readonly mode: number },
): Promise<void> => {
  const target = resolve(path);
  const directory = dirname(target);
  const temporary = join(directory, `.${basename(target)}.${randomBytes(6).toString('hex')}.new`);
  try {
    await using(await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), async (file) => {
      await file.chmod(mode);
      await file.writeFile(data);
      await file.sync();
    });
    await rename(temporary, target);
    await syncDirectory(directory);
  } catch (error) {
    await unlink(temporary).catch(() => {}); // was never made, or has been renamed already
    if (codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT') {
      throw new BorealisError('DISK_FULL', { detail: `${target} was not written.`, cause: error });
    }
    throw error;
  }
};

/** Makes names made, renamed or removed in a directory durable: fsync(2) on itself. */
export const syncDirectory = async (directory: string): Promise<void> =>
  using(await open(directory, O_RDONLY | O_DIRECTORY), (handle) => handle.sync());

/**
 * A directory of ours, made with `mode` where it is missing and open to nobody beyond `widest` where it exists; bits of
 * `mode` that it lacks are added, none are taken away: /tmp belongs to root too, and a mistyped --state must not close it.
 * Returns the absolute path. Errors: STATE_UNSAFE where a symbolic link, something else, another user's or a more open
 * directory has the name.
 */
export const ensurePrivateDirectory = async (path: string, mode = 0o700, widest = mode): Promise<string> => {
  const directory = resolve(path);
  await mkdir(dirname(directory), { recursive: true, mode: 0o755 });
  await mkdir(directory, { mode }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  const handle = await openWithoutLinks(directory, O_RDONLY | O_DIRECTORY, 'a directory');
  return using(handle, async () => {
    const stats = await handle.stat();
    if (stats.uid !== currentUid()) {
      throw unsafe(
        `${directory} belongs to user ${stats.uid}, not to ${currentUid()}, who runs this.`,
        'Use a directory of your own with --state, or run this as its owner.',
      );
    }
    const present = stats.mode & 0o7777;
    if ((present & 0o777 & ~widest) !== 0) {
      throw unsafe(
        `${directory} has mode ${octal(present)}, wanted ${octal(mode)}.`,
        `If it is meant for Borealis alone: chmod ${octal(mode)} ${directory}`,
      );
    }
    if ((mode & ~present) !== 0) await handle.chmod(present | mode);
    return directory;
  });
};

/**
 * The bytes of a file that nobody else may read or write. Errors: STATE_UNSAFE where group or others may, where it
 * belongs to neither us nor root, or is no plain file; those of open(2), among them ENOENT.
 */
export const readSecretFile = async (path: string, maxBytes = SECRET_BYTES_MAX): Promise<Buffer> =>
  using(await openWithoutLinks(path, O_RDONLY | O_NONBLOCK, 'a plain file'), async (handle) => {
    const stats = await handle.stat();
    if (!stats.isFile()) throw unsafe(`${path} is not a plain file.`, 'Put the file itself there.');
    if ((stats.mode & OTHERS) !== 0) {
      throw unsafe(
        `${path} has mode ${octal(stats.mode)}.`,
        `If you trust that nobody has read it: chmod 0600 ${path}`,
      );
    }
    if (stats.uid !== currentUid() && stats.uid !== 0) {
      throw unsafe(
        `${path} belongs to user ${stats.uid}.`,
        `Correct its owner: chown ${currentUid()} ${path}`,
      );
    }
    if (stats.size > maxBytes) {
      throw unsafe(`${path} has ${stats.size} bytes; no secret is that large.`, 'Put the right file there.');
    }
    return handle.readFile();
  });

/** Opens what the name itself stands for. A directory's link shows as ENOTDIR, a file's as ELOOP. */
const openWithoutLinks = async (path: string, flags: number, wanted: string): Promise<FileHandle> => {
  try {
    return await open(path, flags | O_NOFOLLOW);
  } catch (error) {
    if (codeOf(error) === 'ELOOP' || codeOf(error) === 'ENOTDIR') {
      const isLink = await lstat(path).then(
        (stats) => stats.isSymbolicLink(),
        () => false, // gone by now; only the wording depends on it
      );
      throw unsafe(
        `${path} is ${isLink ? 'a symbolic link' : `not ${wanted}`}.`,
        `Put ${wanted} there, or name the place it leads to.`,
      );
    }
    throw error;
  }
};

const using = async <T>(handle: FileHandle, work: (handle: FileHandle) => Promise<T>): Promise<T> => {
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
};
