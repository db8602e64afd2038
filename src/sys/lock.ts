/**
 * One process for a state directory. The lock is the kernel's, flock(2), and goes with the process however that ends;
 * the file stays, and holds the number of the process that has it or had it last.
 */
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';
import { ERRNO, errorName, libc } from './libc.linux.ts';
import { isAlive, processCommand } from './processes.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

type Flock = (fd: number, operation: number) => number;

export interface StateLock {
  readonly file: string;
  release(): void;
}

/** `name` is the file's, so that an agent and an engine may use one directory. Errors: STATE_LOCKED naming the holder. */
export const lockState = (stateDirectory: string, name = 'engine.lock'): StateLock => {
  const file = join(stateDirectory, name);
  // Close-on-exec is Node's default: no child inherits the lock.
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    take(fd, file);
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
    fsyncSync(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    file,
    // The file is not removed: another may just have opened it, and would then lock a name that is no more.
    release: () => {
      if (held) closeSync(fd);
      held = false;
    },
  };
};

const take = (fd: number, file: string): void => {
  const c = libc();
  const flock = c.function<Flock>('int flock(int fd, int operation)');
  for (;;) {
    if (flock(fd, LOCK_EX | LOCK_NB) === 0) return;
    const errno = c.lastError();
    if (errno === ERRNO.EINTR) continue;
    if (errno === ERRNO.EAGAIN) throw new BorealisError('STATE_LOCKED', { detail: describeHolder(file) });
    throw new BorealisError('COMMAND_FAILED', { detail: `${file} cannot be locked: ${errorName(errno)}.` });
  }
};

/**
 * The process that holds the lock, or null. Asks without touching the lock, so that no engine that is just starting
 * is kept from it.
 */
export const lockHolder = (stateDirectory: string, name = 'engine.lock'): number | null =>
  holderOf(join(stateDirectory, name));

const holderOf = (file: string): number | null => {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    if (!Number.isSafeInteger(pid) || pid <= 0) return null;
    return (flockHolders(statSync(file).ino)?.includes(pid) ?? isAlive(pid)) ? pid : null;
  } catch {
    return null; // no such file, or not ours to read: no holder is known
  }
};

/** Processes with a flock(2) on that inode, from /proc/locks; null where the kernel does not list locks. */
const flockHolders = (inode: number): number[] | null => {
  try {
    return readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, kind, , , , file]) => kind === 'FLOCK' && file?.split(':')[2] === String(inode))
      .map((fields) => Number(fields[4]));
  } catch {
    return null; // no /proc/locks; the caller asks in another way
  }
};

const describeHolder = (file: string): string => {
  const holder = holderOf(file);
  if (holder === null) return `${file} is held by a process that has only just started.`;
  const command = processCommand(holder);
  return `Process ${holder}${command ? ` (${command})` : ''} holds ${file}.`;
};
