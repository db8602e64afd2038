/** What the operating system refuses a process below its state directory, in words that say who has to do what. */
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';
import { userName } from './accounts.ts';

/** Undefined where the error is none of open(2) and its kin, or another than those that a person can mend. */
export const stateError = (error: unknown): BorealisError | undefined => {
  if (!(error instanceof Error) || error instanceof BorealisError) return undefined;
  const { code = '', path } = error as NodeJS.ErrnoException;
  const place = path ?? 'The state directory';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new BorealisError('DISK_FULL', {
      detail: `${place} was not written.`,
      next: 'Free space there, or give the state another place with --state; then try again.',
      cause: error,
    });
  }
  const told = code === 'EACCES' || code === 'EPERM' ? forbidden(place) : OTHERS[code]?.(place);
  return told && new BorealisError('STATE_INACCESSIBLE', { ...told, cause: error });
};

interface Told {
  readonly detail: string;
  readonly next: string;
}

const OTHERS: Readonly<Record<string, (path: string) => Told>> = {
  EROFS: (path) => ({
    detail: `${path} is on a read-only file system.`,
    next: 'Mount it writable, or give the state another place with --state.',
  }),
  ENOTDIR: (path) => ({
    detail: `${path} leads through something that is not a directory.`,
    next: 'Name a directory with --state.',
  }),
  EIO: (path) => ({
    detail: `The disk below ${path} answers with errors (EIO).`,
    next: 'Look at the disk: dmesg; then restore the state, or enrol again.',
  }),
};

const forbidden = (path: string): Told => {
  const owner = ownerOf(path);
  const self = process.geteuid?.() ?? 0;
  if (owner === undefined || owner.uid === self) {
    const who = owner
      ? `${owner.path} is closed to its own user, ${nameOf(self)}`
      : `${path} is closed to you`;
    return {
      detail: `${who}.`,
      next: 'Correct its mode (directories 0700, files 0600) or what else protects it (lsattr, mount options).',
    };
  }
  return {
    detail: `${owner.path} belongs to ${nameOf(owner.uid)}; this runs as ${nameOf(self)}.`,
    next: `Run it as ${nameOf(owner.uid)}${owner.uid === 0 ? ' (sudo)' : ''}, or use a directory of your own with --state.`,
  };
};

/** Of the path, or of the nearest folder above it that may be looked at: that one is closed. */
const ownerOf = (path: string): { readonly path: string; readonly uid: number } | undefined => {
  for (let at = path; ; at = dirname(at)) {
    try {
      return { path: at, uid: lstatSync(at).uid };
    } catch {
      if (at === dirname(at)) return undefined; // not even the root says whose it is: the path was none
    }
  }
};

const nameOf = (uid: number): string => {
  try {
    return userName(uid) ?? `user ${uid}`;
  } catch {
    return `user ${uid}`; // a directory service that does not answer must not hide what went wrong
  }
};
