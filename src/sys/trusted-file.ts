/** Files that say what a process of ours does: believed only where nobody else could have written them. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { BorealisError } from '../protocol/errors.ts';

const { O_NONBLOCK, O_RDONLY } = constants;
const OTHERS_WRITE = 0o002;

/** The text of a configuration file. Errors: CONFIG_INVALID where others may write it; those of open(2). */
export const readTrustedFile = (path: string): string => {
  // Not to hang on a pipe that somebody has put there.
  const file = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    const { uid, mode } = fstatSync(file);
    if (uid !== 0 && uid !== process.geteuid?.()) {
      throw new BorealisError('CONFIG_INVALID', {
        detail: `${path} belongs to user ${uid}, who could change it.`,
        next: `If it says what it should: chown ${process.geteuid?.() ?? 0} ${path}`,
      });
    }
    if ((mode & OTHERS_WRITE) !== 0) {
      throw new BorealisError('CONFIG_INVALID', {
        detail: `${path} can be changed by everybody.`,
        next: `If it says what it should: chmod o-w ${path}`,
      });
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
};
