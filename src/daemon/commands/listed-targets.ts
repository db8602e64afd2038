/**
 * Targets of many jobs at once, for lists that ask for them: a page of a list is bounded by its targets and by their
 * output, neither of which may fill the engine's memory. What is whole is in job.show and job.watch.
 */
import { OUTPUT_CAP_BYTES } from '../../protocol/command.ts';
import type { JobTarget } from '../../protocol/job.ts';
import type { Database } from '../../store/store.ts';
import { type Counts, total } from './settle.ts';
import { asJobTarget } from './targets.ts';

/** A page ends before the job that would bring it beyond so many, unless it is the only one. */
const TARGETS_OF_PAGE = 10_000;
/** Characters of output in one page, all targets together. */
const OUTPUT_OF_PAGE = 16_777_216;
/** As many parameters as SQLite and PostgreSQL both take with ease. */
const JOBS_OF_QUERY = 500;

/** How many of `jobs`, from the first on, go on one page with their targets: at least one. */
export const jobsOfPage = (jobs: readonly { readonly id: string }[], counts: ReadonlyMap<string, Counts>) => {
  let targets = 0;
  const beyond = jobs.findIndex(({ id }, index) => {
    targets += total(counts.get(id) ?? {});
    return index > 0 && targets > TARGETS_OF_PAGE;
  });
  return beyond < 0 ? jobs.length : beyond;
};

/** Of each job, in order of GUID. Output that is longer than its part of the page is cut, and marked as truncated. */
export const listTargets = async (
  db: Database,
  jobs: readonly string[],
  count: number,
): Promise<Map<string, JobTarget[]>> => {
  const each = Math.min(OUTPUT_CAP_BYTES, Math.floor(OUTPUT_OF_PAGE / 3 / Math.max(1, count)));
  const found = new Map<string, JobTarget[]>();
  for (let at = 0; at < jobs.length; at += JOBS_OF_QUERY) {
    const rows = await targetsQuery(db, jobs.slice(at, at + JOBS_OF_QUERY), each).execute();
    for (const { job_id: job, out, err, val, ...row } of rows) {
      const targets = found.get(job) ?? [];
      found.set(job, targets);
      const target = asJobTarget(row, row.device);
      targets.push(Math.max(out, err, val ?? 0) > each ? { ...target, truncated: true } : target);
    }
  }
  return found;
};

const targetsQuery = (db: Database, jobs: readonly string[], each: number) =>
  db
    .selectFrom('job_target')
    .leftJoin('device', 'device.guid', 'job_target.guid')
    .select(['job_id', 'job_target.guid', 'job_target.state', 'exit_code', 'error_code', 'error'])
    .select(['truncated', 'duration_ms'])
    .select((eb) => [
      eb.fn.coalesce('device.name', 'job_target.guid').as('device'),
      eb.fn<string>('substr', ['stdout', eb.lit(1), eb.val(each)]).as('stdout'),
      eb.fn<string>('substr', ['stderr', eb.lit(1), eb.val(each)]).as('stderr'),
      // Half of a JSON text is none.
      eb
        .case()
        .when(eb.fn<number>('length', ['value_json']), '<=', each)
        .then(eb.ref('value_json'))
        .end()
        .as('value_json'),
      eb.fn<number>('length', ['stdout']).as('out'),
      eb.fn<number>('length', ['stderr']).as('err'),
      eb.fn<number | null>('length', ['value_json']).as('val'),
    ])
    .where('job_id', 'in', jobs)
    .orderBy('job_id')
    .orderBy('job_target.guid');
