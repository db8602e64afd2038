/**
 * Changes of a service since it was kept whole, one line each, synced before anything is done with them: to write all of a
 * service of thousands again for each would take longer than everything else. A line that was torn was never answered for.
 */
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { HostedChange } from '../../protocol/bastion.ts';
import { BorealisError } from '../../protocol/errors.ts';
import { readSecretFile, syncDirectory } from '../../sys/files.ts';
import { amended, type Kept } from './amended.ts';

export const STATE_FILE_MAX_BYTES = 256 * 1024 * 1024;

/** The lines of a journal; none where it is not there. */
export const readJournal = async (path: string): Promise<readonly string[]> => {
  try {
    return (await readSecretFile(path, STATE_FILE_MAX_BYTES)).toString().split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

/** `isFirst`: the file may not be there yet. Errors: DISK_FULL, those of open(2), write(2), fdatasync(2). */
export const appendLine = async (path: string, text: string, isFirst: boolean): Promise<number> => {
  // A line feed first too: what is before it may be torn.
  const line = `\n${text}\n`;
  const file = await open(path, 'a', 0o600);
  try {
    await file.appendFile(line);
    await file.datasync();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause;
    throw new BorealisError('DISK_FULL', { detail: `${path} was not written.`, cause });
  } finally {
    await file.close();
  }
  if (isFirst) await syncDirectory(dirname(path));
  return Buffer.byteLength(line);
};

/**
 * `read`: what a line says; it throws where that is nothing. Errors: SCHEMA_MISMATCH where a change is missing: what was
 * before it must not be in force again.
 */
export const replayed = (
  kept: Kept,
  journal: readonly string[],
  read: (line: string) => HostedChange,
): Kept => {
  let now = kept;
  for (const line of journal) {
    const change = said(line, read);
    // It was kept whole since.
    if (!change || change.to.revision <= now.revision) continue;
    const next = amended(now, change);
    if (!next)
      throw new BorealisError('SCHEMA_MISMATCH', { detail: 'A change of a VPN service is missing.' });
    now = next;
  }
  return now;
};

const said = (line: string, read: (line: string) => HostedChange): HostedChange | undefined => {
  try {
    return line === '' ? undefined : read(line);
  } catch {
    return undefined; // torn
  }
};
