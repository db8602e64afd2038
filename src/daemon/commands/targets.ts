/** Rows of job_target: how they are read, and the three ways in which one changes. */

import type { ResultClaims } from '../../protocol/command.ts';
import { BorealisError, ERRORS } from '../../protocol/errors.ts';
import type { JobState, JobTarget } from '../../protocol/job.ts';
import type { AgentContext } from '../../protocol/scalars.ts';
import { Compiled } from '../../store/compiled.ts';
import type { JobTargetTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';

/**
 * A device that took a command may start it until the command expires, then run it for as long as it may; what is
 * beyond that and this has no result, or a network that is down.
 */
export const RESULT_GRACE_MS = 300_000;

export const deadlineOf = (job: { expires_at: number; timeout_seconds: number }): number =>
  job.expires_at + job.timeout_seconds * 1000 + RESULT_GRACE_MS;

/** What has to be known of a target to change it. */
export interface TargetRow {
  readonly corr_id: string;
  readonly job_id: string;
  readonly guid: string;
  readonly state: JobState;
  readonly sent_at: number | null;
  readonly finished_at: number | null;
  readonly cancel_at: number | null;
  /** Whether the agent's own result is there already. */
  readonly answered: boolean;
  readonly context: AgentContext;
  readonly job_expires_at: number;
  readonly timeout_seconds: number;
  /** Name of the device; its GUID where it was removed. */
  readonly device: string;
}

/** Targets with what of their job matters to them. */
export const targetRows = (db: Database) =>
  db
    .selectFrom('job_target')
    .innerJoin('job', 'job.id', 'job_target.job_id')
    .leftJoin('device', 'device.guid', 'job_target.guid')
    .select(['corr_id', 'job_id', 'job_target.guid', 'sent_at', 'job_target.finished_at', 'cancel_at'])
    .select((eb) => [
      eb.ref('job_target.state').$castTo<JobState>().as('state'),
      eb('result_jws', 'is not', null).$castTo<number>().as('answered'),
      eb.fn.coalesce('device.name', 'job_target.guid').as('device'),
    ])
    .select(['job.context', 'job.expires_at as job_expires_at', 'timeout_seconds']);

export const asTargetRow = (row: Omit<TargetRow, 'answered'> & { readonly answered: number }): TargetRow => ({
  ...row,
  answered: Boolean(row.answered),
});

/** What the engine itself writes as the end of a target. */
export interface Verdict {
  readonly state: JobState;
  readonly errorCode: 'COMMAND_EXPIRED' | 'DEVICE_REVOKED' | 'JOB_CANCELLED' | 'TIMED_OUT';
  /** Follows the sentence of the code. */
  readonly detail?: string;
}

export class TargetStatements {
  readonly #accept: Compiled<[state: 'running', sentAt: number, expiresAt: number, corrId: string]>;
  readonly #answer: Compiled<
    [
      state: JobState,
      exitCode: number | null,
      errorCode: string | null,
      error: string | null,
      stdout: string,
      stderr: string,
      truncated: number,
      valueJson: string | null,
      durationMs: number,
      finishedAt: number,
      resultJws: string,
      corrId: string,
    ]
  >;

  constructor(db: Database) {
    const targets = db.updateTable('job_target').where('corr_id', '=', '');
    this.#accept = new Compiled(targets.set({ state: 'running', sent_at: 0, expires_at: 0 }));
    this.#answer = new Compiled(
      targets.set({
        state: '',
        exit_code: 0,
        error_code: '',
        error: '',
        stdout: '',
        stderr: '',
        truncated: 0,
        value_json: '',
        duration_ms: 0,
        finished_at: 0,
        result_jws: '',
      }),
    );
  }

  /** The device has it. */
  accept(db: Database, target: TargetRow, now: number): Promise<void> {
    const deadline = deadlineOf({
      expires_at: target.job_expires_at,
      timeout_seconds: target.timeout_seconds,
    });
    return this.#accept.run(db, ['running', now, deadline, target.corr_id]);
  }

  /** The device's own result, with its signed text. */
  answer(db: Database, state: JobState, claims: ResultClaims, jws: string, now: number): Promise<void> {
    return this.#answer.run(db, [
      state,
      claims.exit_code,
      claims.error_code,
      claims.error,
      claims.stdout,
      claims.stderr,
      claims.truncated ? 1 : 0,
      claims.value === null ? null : JSON.stringify(claims.value),
      claims.duration_ms,
      now,
      jws,
      claims.corr_id,
    ]);
  }

  /** The engine's own verdict. `awaited`: the device is still to be told, or may still answer. */
  async close(db: Database, corrId: string, verdict: Verdict, now: number, awaited = false): Promise<void> {
    const { message } = ERRORS[verdict.errorCode];
    await db
      .updateTable('job_target')
      .set({
        state: verdict.state,
        error_code: verdict.errorCode,
        error: verdict.detail ? `${message} ${verdict.detail}` : message,
        ...(awaited ? { cancel_at: now } : { finished_at: now }),
      })
      .where('corr_id', '=', corrId)
      .execute();
  }
}

/** A command that the agent refused did not run; one that came too late has expired. */
export const stateOfResult = ({ state, error_code }: ResultClaims): JobState => {
  if (state !== 'refused') return state;
  return error_code === 'EXPIRED_TOKEN' ? 'expired' : 'failed';
};

export const asJobTarget = (
  row: Omit<
    JobTargetTable,
    'job_id' | 'corr_id' | 'expires_at' | 'sent_at' | 'finished_at' | 'cancel_at' | 'result_jws'
  >,
  device: string,
): JobTarget => ({
  device,
  guid: row.guid,
  state: row.state as JobState,
  exit_code: row.exit_code,
  error_code: row.error_code,
  error: row.error,
  stdout: row.stdout,
  stderr: row.stderr,
  truncated: row.truncated === 1,
  value: row.value_json === null ? null : (JSON.parse(row.value_json) as JobTarget['value']),
  duration_ms: row.duration_ms,
});

export const queuedTarget = (guid: string, device: string): JobTarget => ({
  device,
  guid,
  state: 'queued',
  exit_code: null,
  error_code: null,
  error: null,
  stdout: '',
  stderr: '',
  truncated: false,
  value: null,
  duration_ms: null,
});

export const isStoreTrouble = (error: unknown): boolean =>
  error instanceof BorealisError && (error.code === 'DISK_FULL' || error.code === 'STORE_FAILED');
