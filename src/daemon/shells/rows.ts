/** Shells in the store: those that are open, for the next engine; all others, for what is known of their recordings. */
import { randomBytes } from 'node:crypto';
import type { Shell } from '../../protocol/shell.ts';
import type { ShellTable } from '../../store/schema.ts';
import type { Database, Transaction } from '../../store/store.ts';
import type { LiveRecording, ShellRow } from '../recordings/rows.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;

/** 60 random bits, easy to read out and to complete from a prefix. */
export const newShellId = (): string =>
  Array.from(randomBytes(ID_LENGTH), (byte) => ALPHABET[byte & 31]).join('');

/** Those whose end was not seen, with the names that their devices have now. */
export const openShells = (db: Database): Promise<ShellRow[]> =>
  db
    .selectFrom('shell')
    .leftJoin('device', 'device.guid', 'shell.guid')
    .selectAll('shell')
    .select('device.name as name')
    .where('shell.ended_at', 'is', null)
    .orderBy('shell.started_at')
    .orderBy('shell.id')
    .execute();

export const insertShell = async (tx: Transaction, row: ShellTable): Promise<void> => {
  await tx.db.insertInto('shell').values(row).execute();
};

export const shellRuns = async (tx: Transaction, id: string, account: string): Promise<void> => {
  await tx.db.updateTable('shell').set({ state: 'running', account }).where('id', '=', id).execute();
};

export const deleteShell = async (tx: Transaction, id: string): Promise<void> => {
  await tx.db.deleteFrom('shell').where('id', '=', id).execute();
};

export interface ShellEnd {
  readonly at: number;
  readonly exitCode: number | null;
  readonly account: string;
  readonly cols: number;
  readonly rows: number;
  /** Null where it was not recorded; without `live` where its file could not be taken up any more. */
  readonly recording: {
    readonly state: 'complete' | 'cut_off';
    readonly live: LiveRecording | undefined;
  } | null;
}

export const shellEnded = async (tx: Transaction, id: string, end: ShellEnd): Promise<void> => {
  const { recording } = end;
  await tx.db
    .updateTable('shell')
    .set({
      state: 'ended',
      ended_at: end.at,
      exit_code: end.exitCode,
      account: end.account,
      cols: end.cols,
      rows: end.rows,
      ...(recording && {
        recording: recording.state,
        recorded_bytes: recording.live?.bytes ?? 0,
        duration_ms: recording.live?.elapsedMs ?? 0,
      }),
    })
    .where('id', '=', id)
    .execute();
};

/** Of one that has ended. */
export const asEnded = (shell: Shell, end: ShellEnd): Shell => ({
  ...shell,
  state: 'ended',
  ended_at: new Date(end.at).toISOString(),
  exit_code: end.exitCode,
  viewers: [],
});
