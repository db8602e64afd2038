/**
 * job.watch: what there was so far, then what happens, then the job. The feed is opened before the store is read, so
 * nothing falls between the two; what the store says already is not told twice.
 */
import { FINAL_STATES, type JobEvent, type JobTarget } from '../../protocol/job.ts';
import type { Database } from '../../store/store.ts';
import { findJob, readSummary, readTargets, targetPages } from './jobs.ts';
import type { FeedItem, JobFeed, LiveJobs } from './live.ts';

/** Targets read in one query. */
const TOGETHER = 100;

/** Errors: JOB_NOT_FOUND, JOB_AMBIGUOUS. */
export async function* watchJob(
  db: Database,
  live: LiveJobs,
  ref: string,
  signal: AbortSignal,
): AsyncGenerator<JobEvent> {
  const { id } = await findJob(db, ref);
  const feed = live.open(id);
  try {
    yield* new Watch(db, id, feed, signal).events();
  } finally {
    feed.close();
  }
}

class Watch {
  readonly #db: Database;
  readonly #jobId: string;
  readonly #feed: JobFeed;
  readonly #signal: AbortSignal;
  /** Targets whose end was told. */
  readonly #over = new Set<string>();

  constructor(db: Database, jobId: string, feed: JobFeed, signal: AbortSignal) {
    this.#db = db;
    this.#jobId = jobId;
    this.#feed = feed;
    this.#signal = signal;
  }

  async *events(): AsyncGenerator<JobEvent> {
    let { finished_at } = await readSummary(this.#db, this.#jobId);
    for await (const page of targetPages(this.#db, this.#jobId)) {
      for (const target of page) {
        yield this.#told(target);
        if (this.#over.has(target.guid)) continue;
        for (const piece of this.#feed.before.get(target.guid) ?? [])
          yield { type: 'output', device: target.device, ...piece };
      }
    }
    while (finished_at === null && !this.#signal.aborted) {
      const items = await this.#feed.next(this.#signal);
      yield* this.#follow(items);
      if (items.some(({ kind }) => kind === 'finished')) finished_at = 'now';
    }
    if (!this.#signal.aborted) yield { type: 'job', job: await readSummary(this.#db, this.#jobId) };
  }

  /** In order; targets that changed one after another are read together. */
  async *#follow(items: readonly FeedItem[]): AsyncGenerator<JobEvent> {
    const changed = new Map<string, boolean>();
    for (const item of items) {
      if (item.kind === 'target') changed.set(item.guid, item.over);
      if (changed.size === TOGETHER || (item.kind === 'output' && changed.size > 0))
        yield* this.#read(changed);
      if (item.kind === 'output' && !this.#over.has(item.guid))
        yield { type: 'output', device: item.device, stream: item.stream, data: item.data };
    }
    if (changed.size > 0) yield* this.#read(changed);
  }

  async *#read(changed: Map<string, boolean>): AsyncGenerator<JobEvent> {
    const guids = [...changed.keys()].filter((guid) => !this.#over.has(guid));
    const targets = guids.length > 0 ? await readTargets(this.#db, this.#jobId, guids) : [];
    for (const target of targets) {
      // The store is ahead of the feed: its end is told when the output before it has been.
      if (FINAL_STATES.has(target.state) && !changed.get(target.guid)) continue;
      yield this.#told(target);
    }
    changed.clear();
  }

  #told(target: JobTarget): JobEvent {
    if (FINAL_STATES.has(target.state)) this.#over.add(target.guid);
    return { type: 'target', target };
  }
}
