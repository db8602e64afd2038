/**
 * Commands whose time is over: those that no device took have expired; those that were taken and never answered have
 * timed out. One look at an index each second, however many wait. A result that comes after all still counts.
 */
import type { Logger } from 'pino';
import type { JobState } from '../../protocol/job.ts';
import type { Store, Transaction } from '../../store/store.ts';
import { type SettleParts, settle, type TargetChange } from './settle.ts';
import {
  asTargetRow,
  isStoreTrouble,
  type TargetRow,
  TargetStatements,
  targetRows,
  type Verdict,
} from './targets.ts';

const BATCH = 250;

export interface ExpiryParts extends SettleParts {
  readonly store: Store;
  readonly log: Logger;
  /** Nothing is awaited from the device any more. */
  readonly over: (target: TargetRow) => void;
}

export class Expiry {
  readonly #parts: ExpiryParts;
  readonly #statements: TargetStatements;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: ExpiryParts) {
    this.#parts = parts;
    this.#statements = new TargetStatements(parts.store.read);
  }

  tick(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#any())) {
        const over = await this.#parts.store.write((tx) => this.#expire(tx));
        for (const target of over) this.#parts.over(target);
      }
    } catch (error) {
      const level = isStoreTrouble(error) ? 'warn' : 'error';
      this.#parts.log[level](
        { err: error },
        'expired commands could not be put aside; tried again in a second',
      );
    }
  }

  async #any(): Promise<boolean> {
    const found = await this.#parts.store.read
      .selectFrom('job_target')
      .select('corr_id')
      .where('finished_at', 'is', null)
      .where('expires_at', '<=', this.#parts.clock.now())
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  async #expire(tx: Transaction): Promise<TargetRow[]> {
    const now = this.#parts.clock.now();
    const rows = await targetRows(tx.db)
      .where('job_target.finished_at', 'is', null)
      .where('job_target.expires_at', '<=', now)
      .orderBy('job_target.expires_at')
      .limit(BATCH)
      .execute();
    const targets = rows.map(asTargetRow);
    const changes: TargetChange[] = [];
    for (const target of targets) {
      const verdict = verdictOn(target);
      if (!verdict) {
        await this.#stopWaiting(tx, target.corr_id, now);
        continue;
      }
      await this.#statements.close(tx.db, target.corr_id, verdict, now);
      changes.push(changeOf(target, verdict));
    }
    await settle(tx, changes, this.#parts);
    return targets;
  }

  /** Its state is decided already: it was cancelled while the device was away, and the device never came to hear of it. */
  async #stopWaiting(tx: Transaction, corrId: string, now: number): Promise<void> {
    await tx.db.updateTable('job_target').set({ finished_at: now }).where('corr_id', '=', corrId).execute();
  }
}

const OPEN: ReadonlySet<JobState> = new Set(['queued', 'running']);

const verdictOn = ({ state, cancel_at }: TargetRow): Verdict | null => {
  if (!OPEN.has(state)) return null;
  if (cancel_at !== null)
    return {
      state: 'cancelled',
      errorCode: 'JOB_CANCELLED',
      detail: 'The device did not say what became of the command.',
    };
  if (state === 'queued') return { state: 'expired', errorCode: 'COMMAND_EXPIRED' };
  return {
    state: 'timed_out',
    errorCode: 'TIMED_OUT',
    detail: 'The device took the command, and sent no result.',
  };
};

export const changeOf = (target: TargetRow, { state, errorCode }: Verdict): TargetChange => ({
  jobId: target.job_id,
  guid: target.guid,
  device: target.device,
  corrId: target.corr_id,
  from: target.state,
  to: state,
  exitCode: null,
  errorCode,
});
