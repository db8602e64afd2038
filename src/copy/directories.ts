/**
 * The directories that are written to or read from, each held open by its descriptor and reached from the one above it
 * without following a link: whatever the other side names, and whatever somebody on this machine puts in the way
 * meanwhile, nothing outside of the root is touched (openat(2) by way of /proc/self/fd, as Node has no openat).
 */
import { constants, existsSync } from 'node:fs';
import { chmod, close, lstat, mkdir, open, utimes } from './files.ts';
import { FileProblem } from './problems.ts';

/** Directories held open at once, besides those in use. */
const HELD = 128;
/** open(2); the same on every Linux that Node runs on. Not even the permission to list it is needed. */
const O_PATH = 0o10000000;
const DIRECTORY = O_PATH | (constants.O_DIRECTORY ?? 0);
const BELOW = DIRECTORY | (constants.O_NOFOLLOW ?? 0);
/**
 * Of a directory that is not complete: nobody else looks in, and a later copy knows by the sticky bit, which means nothing
 * where nobody else may write, that it is one of ours and still to get its mode and time.
 */
const UNFINISHED = 0o1700;

interface Held {
  readonly opening: Promise<{ readonly prefix: string; readonly fd: number | undefined }>;
  uses: number;
}

export interface Directory {
  /** The path of an entry, for as long as the directory is not released. */
  at(name: string): string;
  /** Made by this copy: nothing was in it. */
  readonly fresh: boolean;
  release(): void;
}

export class Directories {
  readonly #root: string;
  readonly #byDescriptor = process.platform === 'linux' && existsSync('/proc/self/fd');
  readonly #held = new Map<string, Held>();
  readonly #fresh = new Set<string>();

  /** `root`: named by the operator, so its own links are followed. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Of the directory with these names below the root. Errors: of open(2); FileProblem. */
  async enter(names: readonly string[]): Promise<Directory> {
    const key = names.join('/');
    const held = this.#hold(key, names);
    try {
      const { prefix } = await held.opening;
      return {
        at: (name) => `${prefix}/${name}`,
        fresh: this.#fresh.has(key),
        release: () => {
          held.uses -= 1;
        },
      };
    } catch (error) {
      // The next one tries anew.
      if (this.#held.get(key) === held) this.#held.delete(key);
      throw error;
    }
  }

  /** Makes it where it is not there; then private until it is finished. True where it is to be finished. */
  async make(names: readonly string[]): Promise<boolean> {
    const name = names.at(-1);
    if (name === undefined) return false;
    const above = await this.enter(names.slice(0, -1));
    try {
      await mkdir(above.at(name), { mode: UNFINISHED });
      this.#fresh.add(names.join('/'));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const found = await lstat(above.at(name));
      if (found.isSymbolicLink()) throw new FileProblem('a symbolic link is in the way');
      if (!found.isDirectory()) throw new FileProblem('something that is no directory is in the way');
      return isUnfinished(found);
    } finally {
      above.release();
    }
  }

  /** Everything is in it. `mtime`: milliseconds. */
  async finish(names: readonly string[], mode: number, mtime: number): Promise<void> {
    const directory = await this.enter(names);
    try {
      // The directory itself, whatever has its name by now.
      const itself = directory.at('.');
      await utimes(itself, mtime / 1_000, mtime / 1_000);
      await chmod(itself, mode);
    } finally {
      directory.release();
    }
  }

  /** In use from here on. */
  #hold(key: string, names: readonly string[]): Held {
    const known = this.#held.get(key);
    if (known) {
      known.uses += 1;
      this.#held.delete(key);
      this.#held.set(key, known);
      return known;
    }
    this.#letGo();
    const held = { opening: this.#open(names), uses: 1 };
    this.#held.set(key, held);
    return held;
  }

  async #open(names: readonly string[]): Promise<{ prefix: string; fd: number | undefined }> {
    const name = names.at(-1);
    if (name === undefined) {
      if (!this.#byDescriptor) return { prefix: this.#root, fd: undefined };
      const fd = await open(this.#root, DIRECTORY);
      return { prefix: `/proc/self/fd/${fd}`, fd };
    }
    const above = await this.enter(names.slice(0, -1));
    try {
      const path = above.at(name);
      if (!this.#byDescriptor) {
        if (!(await lstat(path)).isDirectory())
          throw new FileProblem('a symbolic link or a file is in the way');
        return { prefix: path, fd: undefined };
      }
      const fd = await open(path, BELOW);
      return { prefix: `/proc/self/fd/${fd}`, fd };
    } finally {
      above.release();
    }
  }

  #letGo(): void {
    if (this.#held.size < HELD) return;
    for (const [key, held] of this.#held) {
      if (this.#held.size < HELD / 2) return;
      if (held.uses > 0) continue;
      this.#held.delete(key);
      void closeHeld(held);
    }
  }

  /** Once nothing is in use any more. */
  async close(): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    await Promise.all(all.map(closeHeld));
  }
}

export const isUnfinished = ({ mode, uid }: { readonly mode: number; readonly uid: number }): boolean =>
  (mode & 0o7777) === UNFINISHED && uid === (process.geteuid?.() ?? uid);

const closeHeld = async ({ opening }: Held): Promise<void> => {
  const { fd } = await opening.catch(() => ({ fd: undefined })); // it was never open
  if (fd !== undefined) await close(fd);
};
