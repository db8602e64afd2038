/**
 * What follows when targets change, in the transaction that changes them: the counts of their jobs, the jobs' own
 * states, the events. A job is over when none of its targets is queued or running.
 * `job.target` is recorded for jobs of at most EVENTS_PER_JOB targets: ten thousand would push everything else out of
 * the event log. Larger jobs are followed with job.watch.
 */
import { ERRORS, isErrorCode } from '../../protocol/errors.ts';
import { FINAL_STATES, type JobState } from '../../protocol/job.ts';
import type { Database, Transaction } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { EventLog } from '../events/log.ts';
import type { LiveJobs } from './live.ts';

export const EVENTS_PER_JOB = 100;

export interface TargetChange {
  readonly jobId: string;
  readonly guid: string;
  /** Name of the device. */
  readonly device: string;
  readonly corrId: string;
  readonly from: JobState;
  readonly to: JobState;
  readonly exitCode: number | null;
  readonly errorCode: string | null;
}

export interface SettleParts {
  readonly events: EventLog;
  readonly clock: Clock;
  readonly live: LiveJobs;
}

export type Counts = Partial<Record<JobState, number>>;

export const settle = async (
  tx: Transaction,
  changes: readonly TargetChange[],
  parts: SettleParts,
): Promise<void> => {
  for (const [jobId, ofJob] of Map.groupBy(changes, (change) => change.jobId)) {
    await settleJob(tx, jobId, ofJob, parts);
  }
};

const settleJob = async (
  tx: Transaction,
  jobId: string,
  changes: readonly TargetChange[],
  { events, clock, live }: SettleParts,
): Promise<void> => {
  await addCounts(tx.db, jobId, differences(changes));
  const counts = (await readCounts(tx.db, [jobId])).get(jobId) ?? {};
  const { title, state, finished_at } = await tx.db
    .selectFrom('job')
    .select(['title', 'state', 'finished_at'])
    .where('id', '=', jobId)
    .executeTakeFirstOrThrow();
  const now = stateOfJob(counts);
  const ends = finished_at === null && FINAL_STATES.has(now);
  if (now !== state || ends) {
    await tx.db
      .updateTable('job')
      .set({ state: now, ...(ends && { finished_at: clock.now() }) })
      .where('id', '=', jobId)
      .execute();
  }
  if (total(counts) <= EVENTS_PER_JOB) {
    for (const change of changes)
      if (FINAL_STATES.has(change.to)) await tellTarget(tx, events, title, change);
  }
  if (ends) {
    await events.record(tx, {
      type: 'job.finished',
      message: `${title}: ${now.replace('_', ' ')}`,
      data: { job: jobId, state: now, counts: { ...counts } },
    });
  }
  tx.afterCommit(() => {
    for (const { guid, corrId, to } of changes) live.changed(jobId, guid, corrId, FINAL_STATES.has(to));
    if (ends) live.finished(jobId);
  });
};

const tellTarget = (
  tx: Transaction,
  events: EventLog,
  title: string,
  change: TargetChange,
): Promise<void> => {
  const { jobId, guid, device, to, exitCode, errorCode } = change;
  const why = errorCode !== null && isErrorCode(errorCode) ? ` (${ERRORS[errorCode].message})` : '';
  return events.record(tx, {
    type: 'job.target',
    device: { guid, name: device },
    message: `${title} on ${device}: ${to.replace('_', ' ')}${why}`,
    data: { job: jobId, state: to, exit_code: exitCode, error_code: errorCode },
  });
};

const differences = (changes: readonly TargetChange[]): Map<JobState, number> => {
  const by = new Map<JobState, number>();
  for (const { from, to } of changes) {
    by.set(from, (by.get(from) ?? 0) - 1);
    by.set(to, (by.get(to) ?? 0) + 1);
  }
  return by;
};

export const addCounts = async (
  db: Database,
  jobId: string,
  by: ReadonlyMap<JobState, number>,
): Promise<void> => {
  for (const [state, count] of by) {
    if (count === 0) continue;
    await db
      .insertInto('job_count')
      .values({ job_id: jobId, state, count })
      .onConflict((conflict) =>
        conflict.columns(['job_id', 'state']).doUpdateSet((eb) => ({
          count: eb('job_count.count', '+', eb.ref('excluded.count')),
        })),
      )
      .execute();
  }
};

export const readCounts = async (db: Database, jobIds: readonly string[]): Promise<Map<string, Counts>> => {
  const counts = new Map<string, Counts>();
  if (jobIds.length === 0) return counts;
  const rows = await db
    .selectFrom('job_count')
    .selectAll()
    .where('job_id', 'in', jobIds)
    .where('count', '>', 0)
    .execute();
  for (const row of rows) counts.set(row.job_id, { ...counts.get(row.job_id), [row.state]: row.count });
  return counts;
};

export const total = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** The worst that happened to a target is what happened to the job. */
const PRECEDENCE = ['failed', 'timed_out', 'expired', 'cancelled', 'succeeded'] as const;

export const stateOfJob = (counts: Counts): JobState => {
  const has = (state: JobState): boolean => (counts[state] ?? 0) > 0;
  if (has('running')) return 'running';
  if (has('queued')) return PRECEDENCE.some(has) ? 'running' : 'queued';
  return PRECEDENCE.find(has) ?? 'succeeded';
};
