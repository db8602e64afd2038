/** What goes wrong with one file, in words; and what a copy tells whoever watches it. */
import type { CopyEntry, CopyProblem } from '../protocol/copy.ts';
import { BorealisError } from '../protocol/errors.ts';

const SENTENCES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'it is not there any more',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'the file system is read-only',
  EISDIR: 'a directory is in its place',
  ENOTEMPTY: 'a directory is in its place',
  ENOTDIR: 'something that is no directory is in the way, or a symbolic link',
  ELOOP: 'a symbolic link is in the way',
  ENAMETOOLONG: 'the name is too long there',
  EFBIG: 'it is too large there',
  EIO: 'the disk does not read or write it',
  EMFILE: 'too many files are open',
  ETXTBSY: 'it is being executed there',
  EINVAL: 'the file system does not take that name',
};

/** One file's failure, told to people; the others go on. */
export class FileProblem extends Error {
  override name = 'FileProblem';
}

export const sentenceOf = (error: unknown): string => {
  if (error instanceof FileProblem || error instanceof BorealisError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && SENTENCES[code]) ?? code ?? message;
};

/** Whether it is one file's failure: an error of the operating system, or found out by us. */
export const isOfOneFile = (error: unknown): boolean =>
  error instanceof FileProblem || typeof (error as NodeJS.ErrnoException).syscall === 'string';

export interface CopyWatch {
  /** A connection of the copy begins: what was found and is not in its place will be found again. */
  began(): void;
  /** One more file is to be copied. */
  found(entry: CopyEntry): void;
  /** Now all are known. */
  counted(): void;
  /** So many bytes of content went over. */
  moved(bytes: number): void;
  /** So many did not have to. */
  kept(bytes: number): void;
  /** It is in its place. `skipped`: it was already. */
  done(entry: CopyEntry, skipped: boolean): void;
  problem(problem: CopyProblem): void;
}

/** For an agent, which shows nothing. */
export const unwatched: CopyWatch = {
  began() {},
  found() {},
  counted() {},
  moved() {},
  kept() {},
  done() {},
  problem() {},
};
