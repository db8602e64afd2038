/** A job from its creation to its end: its output as it is made, then what came of it. */
import type { Client } from '../../client/client.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Job } from '../../protocol/job.ts';
import type { Output } from '../manner/output.ts';
import { resumed } from '../manner/resume.ts';
import { exitOf, tellVerdict } from './job-verdict.ts';
import { JobView } from './job-view.ts';
import { tellWaiting } from './job-waiting.ts';

export interface JobParts {
  readonly client: Client;
  readonly out: Output;
  /** Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** An engine that restarts is back sooner. */
const PATIENCE_MS = 60_000;
const INTERRUPTED = 130;

/** Creates the job; with `detach` says its id and leaves it, otherwise sees it through. Ctrl-C cancels it. */
export const runJob = async (parts: JobParts, create: () => Promise<Job>, detach: boolean): Promise<void> => {
  const job = await create();
  if (!detach) return seeThrough(parts, job, 'cancel');
  if (parts.out.json) return parts.out.document(job);
  parts.out.line(job.id);
  parts.out.note(`Watch it with: borealisctl job watch ${job.id}`);
};

/** Sets the exit code. With --json the one document is the finished job. */
export const seeThrough = async (
  { client, out, interrupted }: JobParts,
  job: Job,
  onInterrupt: 'cancel' | 'leave',
): Promise<void> => {
  const view = new JobView(out, job);
  const left = new AbortController();
  let refusal: unknown;
  const heard = (): void => {
    if (onInterrupt === 'leave') {
      left.abort();
      return;
    }
    out.note('Cancelling it. Ctrl-C again leaves at once.', 'yellow');
    client.call('job.cancel', { job: job.id }).catch((error: unknown) => {
      if (error instanceof BorealisError && error.code === 'JOB_FINISHED') return;
      refusal = error;
      left.abort();
    });
  };
  // `run … | head`: the reader has what it wanted.
  const unread = (): void => {
    const leave = () => process.exit(0);
    client.call('job.cancel', { job: job.id }).then(leave, leave);
  };
  if (onInterrupt === 'cancel') process.once('SIGPIPE', unread).on('SIGPIPE', () => {});
  if (interrupted.aborted) heard();
  else interrupted.addEventListener('abort', heard, { once: true });
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, interrupted]);
  void tellWaiting({ client, out }, { job, queued: view.queued, onInterrupt, signal });
  try {
    const open = () => client.stream('job.watch', { job: job.id }, left.signal);
    const onBack = () => view.missed();
    const parts = { client, out, signal: left.signal, patienceMs: PATIENCE_MS, onBack };
    for await (const event of resumed(open, parts)) view.take(event);
  } catch (error) {
    throw ofJob(error, job.id);
  } finally {
    over.abort();
    view.close();
    interrupted.removeEventListener('abort', heard);
  }
  if (refusal) throw ofJob(refusal, job.id);
  if (!view.over) {
    out.note(`It goes on. See it: borealisctl job watch ${job.id}; end it: borealisctl job cancel ${job.id}`);
    process.exitCode = INTERRUPTED;
    return;
  }
  const cancelled = interrupted.aborted && view.failed.every(({ state }) => state === 'cancelled');
  if (out.json) out.document(await client.call('job.show', { job: job.id }));
  else if (cancelled) out.note(`Cancelled. Run it again with: borealisctl job retry ${job.id}`, 'yellow');
  else tellVerdict(out, view.over, view.failed);
  process.exitCode = interrupted.aborted ? INTERRUPTED : exitOf(view.over.counts);
};

/** The engine went away for good, or may not be asked any more; the job is stored and goes on. */
const ofJob = (error: unknown, id: string): unknown =>
  error instanceof BorealisError && error.code.startsWith('ENGINE_')
    ? new BorealisError(error.code, {
        ...(error.detail && { detail: error.detail }),
        next: `The job is stored and goes on. When the engine is back: borealisctl job watch ${id}`,
        cause: error,
      })
    : error;
