/** An executable that somebody named to us is run as root: only where nobody else could have written it, or put it there. */
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { BorealisError } from '../../protocol/errors.ts';

const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;

/**
 * The file itself, which is to be run: a link that leads to it may be somebody else's, and lead elsewhere in a moment.
 * Errors: HA_HOOK_FAILED, with what is wrong with it.
 */
export const checkHook = async (path: string): Promise<string> => {
  if (!isAbsolute(path)) throw refused(`${path} is no absolute path.`);
  const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    throw refused(error.code === 'ENOENT' ? `${path} is missing.` : `${path}: ${error.code}.`);
  });
  const file = await stat(real);
  if (!file.isFile()) throw refused(`${path} is no file.`);
  const owner = process.geteuid?.() ?? 0;
  if (file.uid !== 0 && file.uid !== owner)
    throw refused(`${path} belongs to user ${file.uid}, who could change it.`, `chown ${owner} ${path}`);
  if ((file.mode & OTHERS_WRITE) !== 0)
    throw refused(`${path} can be changed by everybody.`, `chmod o-w ${path}`);
  await access(real, constants.X_OK).catch(() => {
    throw refused(`${path} is not executable.`, `chmod u+x ${path}`);
  });
  for (let folder = dirname(real); ; folder = dirname(folder)) {
    const { mode, uid } = await stat(folder);
    if (uid !== 0 && uid !== owner)
      throw refused(`User ${uid} may replace ${path}: ${folder} is theirs.`, `chown ${owner} ${folder}`);
    // In a sticky one, as /tmp is, only its owner may replace the file.
    if ((mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0)
      throw refused(`Everybody may replace ${path}: ${folder} can be changed by everybody.`);
    if (folder === dirname(folder)) return real;
  }
};

const refused = (detail: string, next?: string) =>
  new BorealisError('HA_HOOK_FAILED', {
    detail,
    ...(next ? { next: `If it is what it should be: ${next}` } : {}),
  });
