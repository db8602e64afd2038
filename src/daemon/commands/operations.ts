/** The operations on jobs, and what brings commands to agents and results back. */
import type { Logger } from 'pino';
import { BorealisError } from '../../protocol/errors.ts';
import { FINAL_STATES, type JobState } from '../../protocol/job.ts';
import type { JobTable } from '../../store/schema.ts';
import type { Database, Store } from '../../store/store.ts';
import type { Clock } from '../../sys/clock.ts';
import type { Handlers } from '../capability.ts';
import type { AgentChannel } from '../channel/agent-channel.ts';
import type { FrameOf } from '../channel/consumer.ts';
import type { ChannelServer } from '../channel/server.ts';
import type { EventLog } from '../events/log.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { SecurityWatch } from '../trust/security-watch.ts';
import { Canceller } from './cancel.ts';
import { JobCreator } from './create.ts';
import { Departed } from './departed.ts';
import { Dispatcher } from './dispatcher.ts';
import { Expiry } from './expiry.ts';
import { Inbox } from './inbox.ts';
import { fixWork, readWork } from './job-work.ts';
import { findJob, listJobs, readJob } from './jobs.ts';
import { LiveJobs } from './live.ts';
import { Orders } from './orders.ts';
import { ableOf, selectTargets, type Target } from './selection.ts';
import { CommandSigner } from './signer.ts';
import { watchJob } from './watch.ts';

export interface CommandParts {
  readonly store: Store;
  readonly events: EventLog;
  readonly clock: Clock;
  /** Of the component `commands`. */
  readonly log: Logger;
  readonly keys: Pick<KeyRing, 'signingKey' | 'derive'>;
  readonly watch: Pick<SecurityWatch, 'alert' | 'count'>;
  readonly channels: ChannelServer;
}

type JobOperations = 'job.create' | 'job.list' | 'job.show' | 'job.watch' | 'job.cancel' | 'job.retry';

export interface Commands {
  readonly operations: Handlers<JobOperations>;
  /** Commands that were sent, or are about to be, and have no result yet. */
  readonly underWay: number;
  /** After the channels are closed: resolves when what agents said is stored. */
  close(): Promise<void>;
}

/** Attaches itself to the channels; to be made before they start. */
export const createCommands = (parts: CommandParts): Commands => {
  const { store, events, clock, log, channels } = parts;
  const live = new LiveJobs();
  const orders = new Orders(store.read);
  const signer = new CommandSigner(parts.keys);
  const channel = channels.get.bind(channels);
  const dispatcher = new Dispatcher({ store, clock, log, orders, signer, channel });
  const settling = { events, clock, live };
  const inbox = new Inbox({
    ...settling,
    store,
    log,
    watch: parts.watch,
    answered: (from, corrId) => dispatcher.answered(from, corrId),
    settled: (from, corrId) => dispatcher.settled(from, corrId),
  });
  const expiry = new Expiry({
    ...settling,
    store,
    log,
    over: ({ guid, context, corr_id }) => {
      const on = channel(guid, context);
      if (on) dispatcher.settled(on, corr_id);
    },
  });
  const departed = new Departed({ ...settling, store, log });
  const creator = new JobCreator({ store, clock, events, orders, dispatcher });
  const canceller = new Canceller({
    ...settling,
    store,
    dispatcher,
    isConnected: ({ guid, context }) => channel(guid, context) !== undefined,
  });
  channels.attach({
    onReady: (ready) => dispatcher.arrived(ready),
    onClosed: (closed) => dispatcher.gone(closed),
    onTick: (now) => {
      dispatcher.tick(now);
      inbox.tick();
      expiry.tick();
    },
    frames: framesFor(dispatcher, inbox, live),
  });
  return {
    operations: jobOperations(store, live, creator, canceller),
    get underWay() {
      return dispatcher.underWay;
    },
    async close() {
      dispatcher.stop();
      await departed.close();
      await inbox.close();
      await expiry.close();
    },
  };
};

const framesFor = (dispatcher: Dispatcher, inbox: Inbox, live: LiveJobs) => ({
  ACCEPTED(from: AgentChannel, { corr_id }: FrameOf<'ACCEPTED'>): void {
    const entry = dispatcher.entry(from, corr_id);
    // Only what was sent can be accepted; and once is enough.
    if (entry?.phase !== 'sent') return;
    entry.phase = 'accepted';
    inbox.accepted(from, corr_id);
  },
  OUTPUT(from: AgentChannel, frame: FrameOf<'OUTPUT'>): void {
    const entry = dispatcher.entry(from, frame.corr_id);
    if (!entry || entry.phase === 'answered') return;
    const { corrId, jobId } = entry;
    live.output({ corrId, jobId, guid: from.guid, device: from.name }, frame);
  },
  RESULT(from: AgentChannel, frame: FrameOf<'RESULT'>): void {
    inbox.result(from, frame);
  },
});

const jobOperations = (
  store: Store,
  live: LiveJobs,
  creator: JobCreator,
  canceller: Canceller,
): Handlers<JobOperations> => ({
  'job.create': (input, call) =>
    store.write(async (tx) => {
      const { context, timeout, ttl, ...selection } = input;
      const work = await fixWork(tx.db, input.work);
      const targets = await selectTargets(tx.db, selection, context);
      return creator.create(
        tx,
        { work, targets, context, timeoutSeconds: timeout, ttlSeconds: ttl, retryOf: null },
        call,
      );
    }),
  'job.list': (input) => listJobs(store.read, input),
  'job.show': async ({ job }) => readJob(store.read, (await findJob(store.read, job)).id),
  'job.watch': ({ job }, call) => watchJob(store.read, live, job, call.signal),
  'job.cancel': async ({ job }, call) => readJob(store.read, await canceller.cancel(job, call)),
  'job.retry': ({ job: ref, all }, call) =>
    store.write(async (tx) => {
      const job = await findJob(tx.db, ref);
      return creator.create(
        tx,
        {
          work: readWork(job.work_json),
          targets: await targetsToRetry(tx.db, job, all),
          context: job.context,
          timeoutSeconds: job.timeout_seconds,
          ttlSeconds: Math.round((job.expires_at - job.created_at) / 1000),
          retryOf: job.id,
        },
        call,
      );
    }),
});

/** Those that are over and did not succeed; with `all`, those that did as well. What still runs is left alone. */
const targetsToRetry = async (db: Database, job: JobTable, all: boolean): Promise<Target[]> => {
  const wanted = [...FINAL_STATES].filter((state: JobState) => all || state !== 'succeeded');
  const rows = await db
    .selectFrom('job_target')
    .select('guid')
    .where('job_id', '=', job.id)
    .where('state', 'in', wanted)
    .execute();
  if (rows.length === 0) {
    const detail = all ? 'Nothing of this job is over yet.' : 'Nothing of this job has failed.';
    throw new BorealisError('NO_TARGETS', { detail, next: 'See the job with: borealisctl job show' });
  }
  const targets = await ableOf(
    db,
    rows.map((row) => row.guid),
    job.context,
  );
  if (targets.length > 0) return targets;
  throw new BorealisError('NO_TARGETS', {
    detail: 'None of its devices can take commands now: they were quarantined, revoked or removed.',
    next: 'See them with: borealisctl device list',
  });
};
