/** What is read: below what the operator named no link is followed, whatever somebody puts there meanwhile. */
import type { Stats } from 'node:fs';
import { BorealisError } from '../protocol/errors.ts';
import { Directories } from './directories.ts';
import { lstat, open, READ_FLAGS, READ_NAMED, readdir, readlink, stat } from './files.ts';
import { sentenceOf } from './problems.ts';

export interface Source {
  /** Under which it goes into a directory; empty: its content does. */
  readonly name: string;
  /** Absolute, or of the working directory. */
  readonly path: string;
  readonly directory: boolean;
}

/** What the operator named. Errors: NO_SUCH_PATH, COPY_FAILED where it cannot be looked at. */
export const findSource = async (path: string): Promise<Source> => {
  const found = await stat(path).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    const detail = `${path}: ${sentenceOf(cause)}.`;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new BorealisError('NO_SUCH_PATH', { detail: `${path} is meant.`, cause });
    throw new BorealisError('COPY_FAILED', { detail, next: 'Choose what may be read.', cause });
  });
  return { name: sourceName(path), path, directory: found.isDirectory() };
};

/** `a/b/` goes by the name of `b`; `.`, `..`, `~` and `/` have none: their content is meant. */
export const sourceName = (path: string): string => {
  const plain = path.replace(/\/+$/, '');
  const name = plain.slice(plain.lastIndexOf('/') + 1);
  return name === '.' || name === '..' || plain === '~' ? '' : name;
};

export class SourceTree {
  readonly #source: Source;
  readonly #directories: Directories;

  constructor(source: Source) {
    this.#source = source;
    this.#directories = new Directories(source.path);
  }

  /** For reading; the caller closes it. `below`: joined by `/`, empty for the source itself. */
  open(below: string): Promise<number> {
    if (below === '') return open(this.#source.path, READ_NAMED);
    return this.#at(below, (path) => open(path, READ_FLAGS));
  }

  readlink(below: string): Promise<Buffer> {
    return this.#at(below, (path) => readlink(path, 'buffer'));
  }

  /** Names as bytes, unsorted. */
  async names(below: string): Promise<Buffer[]> {
    const directory = await this.#directories.enter(split(below));
    try {
      return await readdir(directory.at('.'), { encoding: 'buffer' });
    } finally {
      directory.release();
    }
  }

  /** Of several entries of one directory. */
  async stats(below: string, names: readonly string[]): Promise<PromiseSettledResult<Stats>[]> {
    const directory = await this.#directories.enter(split(below));
    try {
      return await Promise.allSettled(names.map((name) => lstat(directory.at(name))));
    } finally {
      directory.release();
    }
  }

  close(): Promise<void> {
    return this.#directories.close();
  }

  async #at<T>(below: string, act: (path: string) => Promise<T>): Promise<T> {
    const names = split(below);
    const directory = await this.#directories.enter(names.slice(0, -1));
    try {
      return await act(directory.at(names.at(-1)!));
    } finally {
      directory.release();
    }
  }
}

const split = (below: string): string[] => (below === '' ? [] : below.split('/'));
