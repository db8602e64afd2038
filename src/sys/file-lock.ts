/** A lock on a file that is open: the kernel's, flock(2), and gone with the descriptor however the process ends. */
import { BorealisError } from '../protocol/errors.ts';
import { ERRNO, errorName, libc } from './libc.linux.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

type Flock = (fd: number, operation: number) => number;

/**
 * Several may have it `shared`, which needs no more than a descriptor to read. False where another has it otherwise; always true
 * where there is no such lock.
 */
export const tryLockFile = (fd: number, how: 'alone' | 'shared' = 'alone'): boolean => {
  if (process.platform !== 'linux') return true;
  const c = libc();
  const flock = c.function<Flock>('int flock(int fd, int operation)');
  for (;;) {
    if (flock(fd, (how === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return true;
    const errno = c.lastError();
    if (errno === ERRNO.EAGAIN) return false;
    // Some network file systems have none: then two copies to one place are not told apart.
    if (errno !== ERRNO.EINTR) {
      if (errorName(errno) === 'ENOLCK' || errorName(errno) === 'EOPNOTSUPP') return true;
      throw new BorealisError('COMMAND_FAILED', { detail: `A file cannot be locked: ${errorName(errno)}.` });
    }
  }
};
