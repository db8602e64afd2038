/** What came of a job: the sentence about it and the exit code. */
import { EXIT } from '../../protocol/errors.ts';
import type { Job, JobState, JobTarget } from '../../protocol/job.ts';
import type { Output } from '../manner/output.ts';
import { plain } from '../manner/text.ts';
import { quoteForShell } from '../manner/words.ts';
import { countOf, countsText, type JobSummary } from './job.ts';

/** Devices named in one sentence. */
const NAMED = 8;

export type Ending = Pick<JobTarget, 'device' | 'state' | 'exit_code' | 'error_code' | 'error'>;

/** 0; 1 all failed, 6 all ran out of time, 8 some failed. */
export const exitOf = (counts: Job['counts']): number => {
  const total = countOf(counts);
  const failed = total - countOf(counts, 'succeeded');
  if (failed === 0) return 0;
  if (failed < total) return EXIT.partial;
  return countOf(counts, 'timed_out', 'expired') === total ? EXIT.timedOut : EXIT.failed;
};

/** Of a target that did not succeed: `ended with exit code 3`. */
export const endingText = ({ state, exit_code: code, error }: Ending): string => {
  if (error) return plain(error).replace(/[.]$/, '');
  if (state === 'failed' && code !== null) return `exit code ${code}`;
  return WORDS[state] ?? state;
};

const WORDS: Partial<Record<JobState, string>> = {
  timed_out: 'it ran out of its time',
  expired: 'it did not come online in time',
  cancelled: 'cancelled',
};

/** Says on standard error how a job ended, unless that is as it should be. */
export const tellVerdict = (out: Output, job: JobSummary, failed: readonly Ending[]): void => {
  const exit = exitOf(job.counts);
  const total = countOf(job.counts);
  if (exit === 0) {
    if (total > 1) out.note(`Succeeded on all ${total} devices.`, 'green');
    return;
  }
  const named = failed.slice(0, NAMED).map((one) => `${plain(one.device)}: ${endingText(one)}`);
  const more = failed.length > NAMED ? `; and ${failed.length - NAMED} more` : '';
  const message =
    total === 1 ? `${named[0] ?? 'It failed'}.` : `${countsText(job.counts)}. ${named.join('; ')}${more}.`;
  out.fail({ code: CODES[exit] ?? 'COMMAND_FAILED', message, next: nextStep(job, total, failed), exit });
};

const CODES = { [EXIT.partial]: 'SOME_FAILED', [EXIT.timedOut]: 'TIMED_OUT' } as const as Partial<
  Record<number, 'SOME_FAILED' | 'TIMED_OUT'>
>;

const nextStep = (job: JobSummary, total: number, failed: readonly Ending[]): string => {
  const [only] = failed;
  if (total !== 1 || !only)
    return `See each with: borealisctl job show ${job.id}; again for those: borealisctl job retry ${job.id}`;
  if (only.state === 'expired') return `Once it is online: borealisctl job retry ${job.id}`;
  if (only.state === 'timed_out') return `It may run ${job.timeout_seconds} s; give it more with --timeout.`;
  // A whole command line in one word: it was meant for a shell.
  if (only.error_code === 'EXEC_FAILED' && job.kind === 'command' && /^'.*\s.*'$/.test(job.title))
    return `For a shell in between: borealisctl run ${quoteForShell(only.device)} -- sh -c ${job.title}`;
  return `See it again: borealisctl job show ${job.id}`;
};
