/** What there is to be copied: a tree in its order, a directory before what is in it. Links are told, never followed. */
import { isUtf8 } from 'node:buffer';
import type { Stats } from 'node:fs';
import { COPY_PART_PREFIX, type CopyEntry, type CopyProblem } from '../protocol/copy.ts';
import { FileProblem, sentenceOf } from './problems.ts';
import type { SourceTree } from './source.ts';

export interface Batch {
  readonly entries: CopyEntry[];
  readonly problems: CopyProblem[];
}

const BATCH = 256;
/** UTF-16 units of paths and targets: however they are escaped, a batch fits into a frame. */
const BATCH_TEXT = 65_536;
const AT_ONCE = 32;
/** Set-user-ID, set-group-ID and sticky bits are not copied: what they mean depends on the owner, who is another. */
const MODE = 0o777;
/** PATH_MAX; what lies deeper is not reached by name on the other side either. */
const PATH_MOST = 4_096;

interface Walk {
  readonly tree: SourceTree;
  /** Of the source among all. */
  readonly number: number;
  /** What to call an entry to people. */
  readonly shown: (below: string) => string;
}

/** `first`: what the source is, its own link followed. */
export async function* walk(at: Walk, first: Stats): AsyncGenerator<Batch, void, void> {
  const batch: Batch = { entries: [], problems: [] };
  const pending: { below: string; stats: Stats }[] = [{ below: '', stats: first }];
  let text = 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { below, stats } = next;
    text += 2 * below.length;
    try {
      const entry = await entryOf(at, below, stats);
      if (entry?.kind === 'link') text += entry.target.length;
      if (entry) batch.entries.push(entry);
      else batch.problems.push({ path: at.shown(below), message: kindOf(stats), left_out: below !== '' });
      if (entry?.kind === 'directory') for (const one of await inside(at, below, batch)) pending.push(one);
    } catch (error) {
      batch.problems.push({ path: at.shown(below), message: sentenceOf(error), left_out: false });
    }
    if (batch.entries.length + batch.problems.length >= BATCH || text >= BATCH_TEXT) {
      text = 0;
      yield { entries: batch.entries.splice(0), problems: batch.problems.splice(0) };
    }
  }
  yield batch;
}

const entryOf = async (
  { tree, number: source }: Walk,
  path: string,
  stats: Stats,
): Promise<CopyEntry | undefined> => {
  const mode = stats.mode & MODE;
  const mtime = Math.round(stats.mtimeMs);
  if (stats.isFile()) return { kind: 'file', source, path, mode, mtime, size: stats.size };
  if (stats.isDirectory()) return { kind: 'directory', source, path, mode, mtime };
  if (stats.isSymbolicLink()) {
    const target = await tree.readlink(path);
    if (!isUtf8(target)) throw new FileProblem('what it points to is not UTF-8');
    return { kind: 'link', source, path, mtime, target: target.toString('utf8') };
  }
  return undefined;
};

/** In the order in which they are to be taken from the end. */
const inside = async (
  { tree, shown }: Walk,
  below: string,
  { problems }: Batch,
): Promise<{ below: string; stats: Stats }[]> => {
  const pathOf = (name: string): string => (below === '' ? name : `${below}/${name}`);
  const names: string[] = [];
  const leave = (name: string, message: string): void => {
    problems.push({ path: shown(pathOf(name)), message, left_out: false });
  };
  for (const name of await tree.names(below)) {
    const text = name.toString('utf8');
    if (!isUtf8(name)) leave(text, 'its name is not UTF-8');
    else if (pathOf(text).length > PATH_MOST) leave(text, 'its path is too long');
    // Of an earlier copy to here that was not finished.
    else if (!text.startsWith(COPY_PART_PREFIX)) names.push(text);
  }
  names.sort().reverse();
  const found: { below: string; stats: Stats }[] = [];
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE);
    for (const [index, result] of (await tree.stats(below, some)).entries()) {
      const name = some[index]!;
      if (result.status === 'fulfilled') found.push({ below: pathOf(name), stats: result.value });
      else leave(name, sentenceOf(result.reason));
    }
  }
  return found;
};

const kindOf = (stats: Stats): string => {
  if (stats.isFIFO()) return 'a pipe is not copied';
  if (stats.isSocket()) return 'a socket is not copied';
  return 'a device is not copied';
};
