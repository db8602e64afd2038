/** Where each entry goes: the one way from what the other side names to a path of this machine. */
import type { CopyEntry } from '../protocol/copy.ts';
import { Directories, type Directory } from './directories.ts';
import { FileProblem } from './problems.ts';
import { readNames, type Target } from './target.ts';

type Named = Pick<CopyEntry, 'source' | 'path'>;

export class Places {
  readonly directories: Directories;
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
    this.directories = new Directories(target.root);
  }

  get into(): boolean {
    return this.#target.into;
  }

  /** How many there are. */
  get sources(): number {
    return this.#target.places.length;
  }

  /** Names below the root. Errors: FileProblem. */
  of({ source, path }: Named): string[] {
    return [...this.#target.places[source]!, ...readNames(path)];
  }

  /** The directory that it goes into, while `act` lasts. Errors: FileProblem, of open(2). */
  async within<T>(entry: Named, act: (directory: Directory, name: string) => Promise<T>): Promise<T> {
    const { directory, name } = await this.enter(entry);
    try {
      return await act(directory, name);
    } finally {
      directory.release();
    }
  }

  /** The same, until the caller releases it. */
  async enter(entry: Named): Promise<{ readonly directory: Directory; readonly name: string }> {
    const names = this.of(entry);
    const name = names.pop();
    if (name === undefined) throw new FileProblem('it has no name to go by');
    try {
      return { directory: await this.directories.enter(names), name };
    } catch (error) {
      // Why it could not be made was said of the directory itself.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new FileProblem('the directory that it goes into is not there');
    }
  }

  /** For people. */
  shown({ source, path }: Named): string {
    return [...this.#target.places[source]!, path].filter((part) => part !== '').join('/') || '.';
  }
}
