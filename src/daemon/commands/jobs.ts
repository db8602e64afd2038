/** Jobs as operators see them. */
import { randomBytes } from 'node:crypto';
import { OUTPUT_CAP_BYTES } from '../../protocol/command.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Job, JobState, JobTarget } from '../../protocol/job.ts';
import type { ParsedInputOf } from '../../protocol/operations.ts';
import type { Page } from '../../protocol/scalars.ts';
import { prefixRange } from '../../store/prefix.ts';
import type { JobTable } from '../../store/schema.ts';
import type { Database } from '../../store/store.ts';
import { jobsOfPage, listTargets } from './listed-targets.ts';
import { type Counts, readCounts, total } from './settle.ts';
import { asJobTarget } from './targets.ts';

export type JobSummary = Omit<Job, 'targets'>;
export type ListedJob = JobSummary & { targets?: Job['targets'] };

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_LENGTH = 12;
/** Characters of output in one answer of job.show, all targets together. */
const SHOWN_OUTPUT = 67_108_864;
const PAGE = 500;

/** 60 random bits, easy to read out and to complete from a prefix. */
export const newJobId = (): string =>
  Array.from(randomBytes(ID_LENGTH), (byte) => ALPHABET[byte & 31]).join('');

/** Errors: JOB_NOT_FOUND, JOB_AMBIGUOUS. */
export const findJob = async (db: Database, ref: string): Promise<JobTable> => {
  const { first, last } = prefixRange(ref.toLowerCase());
  const rows = await db
    .selectFrom('job')
    .selectAll()
    .where('id', '>=', first)
    .where('id', '<=', last)
    .orderBy('id')
    .limit(2)
    .execute();
  const [found, other] = rows;
  if (!found) throw new BorealisError('JOB_NOT_FOUND', { detail: `“${ref}” is none.` });
  if (other && found.id !== first)
    throw new BorealisError('JOB_AMBIGUOUS', { detail: `“${ref}” begins several.` });
  return found;
};

export const summaryOf = (row: JobTable, counts: Counts): JobSummary => ({
  id: row.id,
  kind: row.kind,
  title: row.title,
  state: row.state as JobState,
  actor: row.actor,
  context: row.context,
  created_at: new Date(row.created_at).toISOString(),
  expires_at: new Date(row.expires_at).toISOString(),
  finished_at: row.finished_at === null ? null : new Date(row.finished_at).toISOString(),
  timeout_seconds: row.timeout_seconds,
  retry_of: row.retry_of,
  counts,
});

export const readSummary = async (db: Database, id: string): Promise<JobSummary> => {
  const row = await db.selectFrom('job').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw new BorealisError('JOB_NOT_FOUND', { detail: 'It was removed meanwhile.' });
  return summaryOf(row, (await readCounts(db, [id])).get(id) ?? {});
};

/**
 * With all targets. Output is whole for a few hundred targets; of more, each shows its beginning, marked as truncated,
 * since no answer may grow to gigabytes. Whole output of each is what job.watch tells.
 */
export const readJob = async (db: Database, id: string): Promise<Job> => {
  const summary = await readSummary(db, id);
  const each = Math.floor(SHOWN_OUTPUT / 2 / Math.max(1, total(summary.counts)));
  const targets: Job['targets'] = [];
  for await (const page of targetPages(db, id)) {
    for (const target of page) targets.push(each < OUTPUT_CAP_BYTES ? shortened(target, each) : target);
    if (page.length === PAGE) await new Promise<void>((next) => setImmediate(next));
  }
  return { ...summary, targets };
};

const shortened = (target: JobTarget, limit: number): JobTarget => {
  if (target.stdout.length <= limit && target.stderr.length <= limit) return target;
  const { stdout, stderr } = target;
  return { ...target, stdout: stdout.slice(0, limit), stderr: stderr.slice(0, limit), truncated: true };
};

/** All targets of the job, in order of GUID. */
export async function* targetPages(db: Database, jobId: string): AsyncGenerator<JobTarget[]> {
  for (let after = ''; ; ) {
    const rows = await targetQuery(db, jobId)
      .where('job_target.guid', '>', after)
      .orderBy('job_target.guid')
      .limit(PAGE)
      .execute();
    if (rows.length > 0) yield rows.map((row) => asJobTarget(row, row.device));
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.guid;
  }
}

export const readTargets = async (
  db: Database,
  jobId: string,
  guids: readonly string[],
): Promise<JobTarget[]> => {
  const rows = await targetQuery(db, jobId).where('job_target.guid', 'in', guids).execute();
  return rows.map((row) => asJobTarget(row, row.device));
};

const targetQuery = (db: Database, jobId: string) =>
  db
    .selectFrom('job_target')
    .leftJoin('device', 'device.guid', 'job_target.guid')
    .select(['job_target.guid', 'job_target.state', 'exit_code', 'error_code', 'error', 'stdout', 'stderr'])
    .select(['truncated', 'value_json', 'duration_ms'])
    .select((eb) => eb.fn.coalesce('device.name', 'job_target.guid').as('device'))
    .where('job_id', '=', jobId);

/** Newest first. Errors: INVALID_INPUT for a cursor that is none of ours. */
export const listJobs = async (
  db: Database,
  { cursor, limit, state, targets }: ParsedInputOf<'job.list'>,
): Promise<Page<ListedJob>> => {
  let query = db
    .selectFrom('job')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (state !== undefined) query = query.where('state', '=', state);
  if (cursor !== undefined) {
    const { createdAt, id } = readCursor(cursor);
    query = query.where((eb) => eb(eb.refTuple('created_at', 'id'), '<', eb.tuple(createdAt, id)));
  }
  const rows = await query.execute();
  let page = rows.slice(0, limit);
  const counts = new Map<string, Counts>();
  for (let at = 0; at < page.length; at += PAGE) {
    const ids = page.slice(at, at + PAGE).map((row) => row.id);
    for (const [id, of] of await readCounts(db, ids)) counts.set(id, of);
  }
  if (targets) page = page.slice(0, jobsOfPage(page, counts));
  const items: ListedJob[] = page.map((row) => summaryOf(row, counts.get(row.id) ?? {}));
  if (targets) {
    const all = items.reduce((sum, item) => sum + total(item.counts), 0);
    const of = await listTargets(
      db,
      items.map(({ id }) => id),
      all,
    );
    for (const item of items) item.targets = of.get(item.id) ?? [];
  }
  const last = rows.length > page.length ? page.at(-1) : undefined;
  return { items, next_cursor: last ? cursorAfter(last) : null };
};

const cursorAfter = ({ created_at, id }: JobTable): string =>
  Buffer.from(`${created_at}.${id}`).toString('base64url');

const readCursor = (cursor: string): { createdAt: number; id: string } => {
  const [, createdAt, id] =
    /^(\d{1,15})\.([a-z2-7]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (!createdAt || !id)
    throw new BorealisError('INVALID_INPUT', { detail: 'cursor: it is not from a page before.' });
  return { createdAt: Number(createdAt), id };
};
