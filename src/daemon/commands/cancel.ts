/** job.cancel: what has not started never will; what runs is ended on its device, which then says how it ended. */
import { BorealisError } from '../../protocol/errors.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { Call } from '../capability.ts';
import type { Dispatcher } from './dispatcher.ts';
import { changeOf } from './expiry.ts';
import { findJob } from './jobs.ts';
import { type SettleParts, settle, type TargetChange } from './settle.ts';
import { asTargetRow, type TargetRow, TargetStatements, targetRows, type Verdict } from './targets.ts';

/** A device that is connected has this long to say how the command ended. */
const ANSWER_MS = 300_000;

export interface CancellerParts extends SettleParts {
  readonly store: Store;
  readonly dispatcher: Dispatcher;
  readonly isConnected: (target: TargetRow) => boolean;
}

export class Canceller {
  readonly #parts: CancellerParts;
  readonly #statements: TargetStatements;

  constructor(parts: CancellerParts) {
    this.#parts = parts;
    this.#statements = new TargetStatements(parts.store.read);
  }

  /** Returns the job's id. Errors: JOB_NOT_FOUND, JOB_AMBIGUOUS, JOB_FINISHED. */
  cancel(ref: string, call: Call): Promise<string> {
    return this.#parts.store.write(async (tx) => {
      const job = await findJob(tx.db, ref);
      if (job.finished_at !== null)
        throw new BorealisError('JOB_FINISHED', {
          detail: `It ${job.state.replace('_', ' ')}.`,
          next: `See it with: borealisctl job show ${job.id}`,
        });
      const rows = await targetRows(tx.db)
        .where('job_id', '=', job.id)
        .where('job_target.finished_at', 'is', null)
        .where('job_target.state', 'in', ['queued', 'running'])
        .execute();
      const changes: TargetChange[] = [];
      for (const row of rows) {
        const change = await this.#end(tx, asTargetRow(row), call.caller.user);
        if (change) changes.push(change);
      }
      await settle(tx, changes, this.#parts);
      await call.audit(tx, {
        target: job.id,
        detail: { title: job.title, cancelled: changes.length, told_to_end: rows.length - changes.length },
      });
      return job.id;
    });
  }

  /** The change, unless the device has to answer first. */
  async #end(tx: Transaction, target: TargetRow, actor: string): Promise<TargetChange | undefined> {
    const { dispatcher, clock, isConnected } = this.#parts;
    const { guid, context, corr_id: corrId } = target;
    const now = clock.now();
    const reached = dispatcher.withdraw(guid, context, corrId) || target.state === 'running';
    if (reached && isConnected(target)) {
      await tx.db
        .updateTable('job_target')
        .set((eb) => ({
          cancel_at: now,
          expires_at: eb
            .case()
            .when('expires_at', '<', now + ANSWER_MS)
            .then(eb.ref('expires_at'))
            .else(now + ANSWER_MS)
            .end(),
        }))
        .where('corr_id', '=', corrId)
        .execute();
      tx.afterCommit(() => dispatcher.cancel(guid, context, corrId, target.job_id, actor));
      return undefined;
    }
    const verdict: Verdict = {
      state: 'cancelled',
      errorCode: 'JOB_CANCELLED',
      ...(reached && { detail: 'The device is offline; it is told when it returns.' }),
    };
    await this.#statements.close(tx.db, corrId, verdict, now, reached);
    return changeOf(target, verdict);
  }
}
