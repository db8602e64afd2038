/** A new job: stored whole, with its targets, audit record and event, in one write; then its commands are on their way. */
import type { Job } from '../../protocol/job.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import { Compiled } from '../../store/compiled.ts';
import type { Database, Store, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Call } from '../capability.ts';
import type { EventLog } from '../events/log.ts';
import type { Dispatcher } from './dispatcher.ts';
import { callOf, type StoredWork, titleOf } from './job-work.ts';
import { newJobId, summaryOf } from './jobs.ts';
import type { Orders } from './orders.ts';
import type { Target } from './selection.ts';
import { addCounts } from './settle.ts';
import { newCorrelationId } from './signer.ts';
import { queuedTarget } from './targets.ts';

/** Names in the audit record; of more devices their number says enough, and the job has them all. */
const NAMED = 20;

export interface NewJob {
  readonly work: StoredWork;
  readonly targets: readonly Target[];
  readonly context: AgentContext;
  readonly timeoutSeconds: number;
  readonly ttlSeconds: number;
  readonly retryOf: string | null;
}

export interface CreatorParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly orders: Orders;
  readonly dispatcher: Dispatcher;
}

type TargetValues = [
  jobId: string,
  guid: string,
  corrId: string,
  state: 'queued',
  stdout: '',
  stderr: '',
  truncated: 0,
  expiresAt: number,
];

export class JobCreator {
  readonly #parts: CreatorParts;
  readonly #insertTarget: Compiled<TargetValues>;

  constructor(parts: CreatorParts) {
    this.#parts = parts;
    this.#insertTarget = new Compiled(
      parts.store.read.insertInto('job_target').values({
        job_id: '',
        guid: '',
        corr_id: '',
        state: 'queued',
        stdout: '',
        stderr: '',
        truncated: 0,
        expires_at: 0,
      }),
    );
  }

  /** Inside of the write that chose the targets. What it resolves to is true once that write is on disk. */
  async create(tx: Transaction, job: NewJob, call: Call): Promise<Job> {
    const { clock, events, orders, dispatcher } = this.#parts;
    const now = clock.now();
    const { work, targets, context, timeoutSeconds } = job;
    const row = {
      id: newJobId(),
      kind: work.kind,
      title: titleOf(work),
      work_json: JSON.stringify(work),
      context,
      actor: call.caller.user,
      timeout_seconds: timeoutSeconds,
      created_at: now,
      expires_at: now + job.ttlSeconds * 1000,
      finished_at: null,
      retry_of: job.retryOf,
      state: 'queued',
    };
    await tx.db.insertInto('job').values(row).execute();
    const corrIds = await this.#insertTargets(tx.db, row, targets);
    await addCounts(tx.db, row.id, new Map([['queued', targets.length]]));
    const { id, title, kind } = row;
    const devices = targets.slice(0, NAMED).map(({ name }) => name);
    await call.audit(tx, {
      target: id,
      detail: {
        kind,
        title,
        context,
        targets: targets.length,
        devices,
        ...(job.retryOf && { retry_of: job.retryOf }),
      },
    });
    const where = targets.length === 1 ? targets[0]!.name : `${targets.length} devices`;
    await events.record(tx, {
      type: 'job.created',
      message: `${row.actor} started ${title} on ${where}`,
      data: { job: id, kind, context, targets: targets.length, actor: row.actor },
    });
    tx.afterCommit(() => {
      orders.put({
        jobId: id,
        call: callOf(work),
        context,
        actor: row.actor,
        timeoutSeconds,
        createdAt: now,
        expiresAt: row.expires_at,
      });
      targets.forEach(({ guid }, index) => {
        dispatcher.offer({ corrId: corrIds[index]!, jobId: id, guid }, context);
      });
    });
    return {
      ...summaryOf(row, { queued: targets.length }),
      targets: targets.map(({ guid, name }) => queuedTarget(guid, name)),
    };
  }

  async #insertTargets(
    db: Database,
    job: { readonly id: string; readonly expires_at: number },
    targets: readonly Target[],
  ): Promise<string[]> {
    const corrIds: string[] = [];
    for (const { guid } of targets) {
      const corrId = newCorrelationId();
      corrIds.push(corrId);
      await this.#insertTarget.run(db, [job.id, guid, corrId, 'queued', '', '', 0, job.expires_at]);
    }
    return corrIds;
  }
}
