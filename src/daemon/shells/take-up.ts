/** A shell that an earlier engine left: known at once, its recording taken up, then usable. */
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import type { Recordings } from '../recordings/recordings.ts';
import type { ShellRow } from '../recordings/rows.ts';
import type { Known } from './known-shells.ts';
import { RunningShell, type ShellParts } from './running-shell.ts';

export interface TakeUpParts {
  readonly recordings: Recordings;
  readonly shellParts: ShellParts;
  readonly log: Logger;
}

export const takenUp = (row: ShellRow, parts: TakeUpParts): Known => {
  const starting = row.state === 'starting';
  const shell = new RunningShell(
    {
      id: row.id,
      guid: row.guid,
      device: row.name ?? row.device,
      account: row.account,
      startedBy: row.started_by,
      startedAt: row.started_at,
      recorded: row.recording !== 'none',
      recordInput: row.record_input === 1,
    },
    { cols: row.cols, rows: row.rows },
    parts.shellParts,
  );
  // Whoever asked for it never heard of it: it is ended when its device is reached, and forgotten.
  if (starting) shell.condemned = new BorealisError('SHELL_ENDED');
  const ready = takeUp(shell, row, parts.recordings).catch((error: unknown) => {
    parts.log.error({ err: error, shell: row.id }, 'a shell could not be taken up');
    shell.condemned = error instanceof BorealisError ? error : new BorealisError('RECORDING_FAILED');
  });
  return { shell, ready, starting, creating: false };
};

const takeUp = async (shell: RunningShell, row: ShellRow, recordings: Recordings): Promise<void> => {
  if (row.recording !== 'none' && row.state !== 'starting')
    shell.record(await recordings.resume(row.id, row.started_at, shell));
  // Its device is gone for good; or the engine was killed after the last part was written, before the store knew.
  const over = shell.recorder !== null && shell.recorder.ending !== 'more';
  if (row.name === null || over) await shell.end(null);
};
