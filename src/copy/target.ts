/** Where things go: what the operator named as the destination, and below it what the other side names. */
import { basename, dirname } from 'node:path';
import { COPY_PART_PREFIX, type CopyBegin } from '../protocol/copy.ts';
import { BorealisError } from '../protocol/errors.ts';
import { isUnfinished } from './directories.ts';
import { chmod, mkdir, stat } from './files.ts';
import { FileProblem, sentenceOf } from './problems.ts';

export interface Target {
  /** A directory that is there. */
  readonly root: string;
  /** For each source, its names below the root; none where its content goes into the root itself. */
  readonly places: readonly (readonly string[])[];
  /** Whether they go into what was named, or become it. */
  readonly into: boolean;
}

/**
 * As cp(1) has it: into the directory if there is one, else under that name. A path that ends with a slash, and that of
 * several sources, is a directory, and is made where only it is missing. A directory that an earlier copy left unfinished
 * under that name is gone on with, not gone into. `directoryMode`: of a directory that is made for them; what the process's
 * mask lets through where not given. Errors: NO_SUCH_PATH, COPY_FAILED.
 */
export const findTarget = async (
  path: string,
  { sources, into: known }: Pick<CopyBegin, 'sources' | 'into'>,
  directoryMode?: number,
): Promise<Target> => {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw refused(path, error);
  });
  const plain = path.replace(/(?<=.)\/+$/, '');
  const isDirectory = found?.isDirectory() ?? false;
  const asked = sources.length > 1 || path.endsWith('/') || sources.some(({ name }) => name === '');
  const ours = found !== undefined && isDirectory && isUnfinished(found) && sources[0]!.directory;
  const into = asked || (known ?? (isDirectory && !ours));
  if (found && !isDirectory && (into || sources[0]!.directory))
    throw new BorealisError('COPY_FAILED', {
      detail: `${path} is not a directory.`,
      next: 'Name a directory as the destination, or a path where nothing is yet.',
    });
  if (into) {
    if (!isDirectory)
      await makeDirectory(plain, directoryMode).catch((error: unknown) =>
        Promise.reject(refused(path, error)),
      );
    const places = sources.map(({ name }) => (name === '' ? [] : [nameOfSource(name)]));
    const seen = new Set<string>();
    for (const [name] of places) {
      if (name !== undefined && seen.has(name))
        throw new BorealisError('COPY_FAILED', {
          detail: `Two of the sources are called “${name}”.`,
          next: 'Copy them one after the other, under other names.',
        });
      if (name !== undefined) seen.add(name);
    }
    return { root: plain, places, into };
  }
  const root = dirname(plain);
  const above = await stat(root).catch((error: unknown) => Promise.reject(refused(path, error)));
  if (!above.isDirectory()) throw refused(path, { code: 'ENOTDIR' });
  return { root, places: [[nameOfSource(basename(plain))]], into };
};

const makeDirectory = async (path: string, mode: number | undefined): Promise<void> => {
  await mkdir(path, mode ?? 0o777);
  if (mode !== undefined) await chmod(path, mode);
};

const refused = (path: string, error: unknown): BorealisError => {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? new BorealisError('NO_SUCH_PATH', {
        detail: `${path}: the directory that it would go into does not exist.`,
        cause: error,
      })
    : new BorealisError('COPY_FAILED', {
        detail: `${path}: ${sentenceOf(error)}.`,
        next: 'Choose a destination that may be written to.',
        cause: error,
      });
};

const nameOfSource = (name: string): string => {
  try {
    return readName(name);
  } catch (cause) {
    throw new BorealisError('COPY_FAILED', {
      detail: `“${name}” is no name for a file.`,
      next: 'Choose another.',
      cause,
    });
  }
};

/** One name as the other side gives it. Errors: FileProblem. */
export const readName = (name: string): string => {
  const wrong =
    name === '' ||
    name === '.' ||
    name === '..' ||
    /[/\0]/.test(name) ||
    (process.platform === 'win32' && /[\\:]/.test(name)) ||
    name.startsWith(COPY_PART_PREFIX);
  if (wrong) throw new FileProblem('its name leads elsewhere');
  return name;
};

/** Below a source; empty for the source itself. Errors: FileProblem. */
export const readNames = (path: string): string[] => (path === '' ? [] : path.split('/').map(readName));

/**
 * Whether a link at `names` (below a source) points to something below that source. Ways up are taken at its beginning
 * alone: after a name they would begin wherever another link of that name leads.
 */
export const staysInside = (names: readonly string[], target: string): boolean => {
  if (target.startsWith('/') || (process.platform === 'win32' && /[\\:]/.test(target))) return false;
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const down = steps.findIndex((step) => step !== '..');
  const up = down < 0 ? steps.length : down;
  return up <= names.length - 1 && !steps.slice(up).includes('..');
};
