/**
 * What became of each command, kept so that none is lost, none runs twice and each has one result (DESIGN §4.6):
 *
 *   queued → started → finished → settled
 *
 * Whatever a method resolved to is on disk. `queued` and `started` hold before anything runs, `finished` before the
 * result is sent, `settled` (the engine has the result) is remembered until the command has long expired.
 */
import type { CommandClaims } from '../protocol/command.ts';

export type Stage = 'queued' | 'started' | 'finished' | 'settled';

export interface JournalEntry {
  readonly corrId: string;
  readonly nonce: string;
  /** Seconds since 1970; as in the command. */
  readonly exp: number;
  readonly stage: Stage;
}

export interface Journal {
  find(corrId: string): JournalEntry | undefined;
  /** Whether a command with this nonce was taken before. */
  hasNonce(nonce: string): boolean;
  /** Commands that are not settled. */
  readonly unsettled: number;
  /** Takes a new command. `started` at once spares one write. Errors: DISK_FULL; the command must then not run. */
  add(claims: CommandClaims, stage: 'queued' | 'started'): Promise<void>;
  started(corrId: string): Promise<void>;
  /** `envelope`: the signed result. Kept in memory where the disk does not take it, which `false` says. */
  finished(corrId: string, envelope: string): Promise<boolean>;
  /** The signed result of a finished command. */
  result(corrId: string): Promise<string>;
  settled(corrId: string): Promise<void>;
  /** Remembers a message that leaves no result (a cancellation). */
  remember(claims: CommandClaims): Promise<void>;
  /** Finished commands whose result the engine does not have, oldest first. */
  finishedOnes(): readonly string[];
}

/** What the last process left unfinished. */
export interface LeftOver {
  readonly stage: 'queued' | 'started';
  readonly claims: CommandClaims;
}
