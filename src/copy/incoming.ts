/** A large file as it comes: written and hashed in its order, kept where it stops, in its place when it is right. */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { tryLockFile } from '../sys/file-lock.ts';
import type { Directory } from './directories.ts';
import { type Existing, isOwn } from './existing.ts';
import { close, fchmod, fstat, ftruncate, lstat, open, unlink, writeAt } from './files.ts';
import { type Attributes, damaged, finishPart, partName } from './part-file.ts';
import { FileProblem } from './problems.ts';

const PART = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** Somebody who puts another thing there each time is not waited for. */
const TRIES = 5;

export class Incoming {
  readonly #directory: Directory;
  readonly #name: string;
  readonly #fd: number;
  readonly #state: Hash;
  #size: number;
  #writing: Promise<void> = Promise.resolve();

  /** Holds the directory until it is closed. */
  private constructor(directory: Directory, name: string, fd: number, from: Existing | undefined) {
    this.#directory = directory;
    this.#name = name;
    this.#fd = fd;
    this.#size = from?.size ?? 0;
    this.#state = from?.state ?? createHash('sha256');
  }

  /** `from`: the part that it goes on with. Errors: FileProblem, of open(2). */
  static async open(directory: Directory, name: string, from: Existing | undefined): Promise<Incoming> {
    const path = directory.at(partName(name));
    for (let tries = 0; tries < TRIES; tries += 1) {
      const fd = await openOwn(path);
      if (fd === undefined) continue;
      try {
        if (!tryLockFile(fd)) throw new FileProblem('another copy to the same place is under way');
        const { dev, ino, size } = await fstat(fd);
        if (await isAt(path, dev, ino)) {
          if (from && (from.ino !== ino || from.dev !== dev || from.size !== size))
            throw new FileProblem('what was there of it changed meanwhile');
          if (!from && size > 0) await ftruncate(fd, 0);
          return new Incoming(directory, name, fd, from);
        }
        // The copy that had it has just given it its name.
      } catch (error) {
        await close(fd);
        throw error;
      }
      await close(fd);
    }
    throw new FileProblem('somebody else changes what lies there');
  }

  /** Bytes of the file that are here. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when the piece before this one is written. `written`: nobody looks at it any more. Errors: of write(2). */
  async append(bytes: Uint8Array, written?: () => void): Promise<void> {
    const position = this.#size;
    this.#size += bytes.length;
    this.#state.update(bytes);
    await this.#writing;
    this.#writing = writeAt(this.#fd, bytes, position).then(written);
    this.#writing.catch(() => {}); // met with the next piece, or at the end
  }

  /** `hash`: of the whole file. Errors: FileProblem, of the file system; then nothing of it stays. */
  async finish(hash: Uint8Array, attributes: Attributes): Promise<void> {
    try {
      await this.#writing;
      if (!this.#state.digest().equals(hash)) throw damaged();
      const { dev, ino } = await fstat(this.#fd);
      const path = this.#directory.at(partName(this.#name));
      if (!(await isAt(path, dev, ino))) throw new FileProblem('somebody replaced what had arrived of it');
      await finishPart(this.#fd, this.#directory, this.#name, attributes);
    } catch (error) {
      return await this.discard(error);
    }
    await this.close();
  }

  /** It is of no use. Rejects with `because`. */
  async discard(because?: unknown): Promise<void> {
    await unlink(this.#directory.at(partName(this.#name))).catch(() => {}); // it may be gone, or not ours to remove
    await this.close();
    if (because !== undefined) throw because;
  }

  /** What has come stays there. */
  async close(): Promise<void> {
    await this.#writing.catch(() => {}); // whoever had use for it was told
    await close(this.#fd);
    this.#directory.release();
  }
}

/** Undefined where something else was there, which is gone now. */
const openOwn = async (path: string): Promise<number | undefined> => {
  let fd: number;
  try {
    fd = await open(path, PART, 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ELOOP' && code !== 'EACCES' && code !== 'ENXIO') throw error;
    await unlink(path);
    return undefined;
  }
  try {
    const stats = await fstat(fd);
    if (stats.isFile() && stats.nlink === 1 && isOwn(stats)) {
      if ((stats.mode & 0o777) !== 0o600) await fchmod(fd, 0o600);
      return fd;
    }
    await unlink(path);
  } catch (error) {
    await close(fd);
    throw error;
  }
  await close(fd);
  return undefined;
};

const isAt = async (path: string, dev: number, ino: number): Promise<boolean> => {
  const found = await lstat(path).catch(() => undefined); // gone is not there
  return found?.dev === dev && found.ino === ino;
};
