/** A job from its creation to its end: its output as it is made, then what came of it. */
import type { Client } from '../../client/client.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { Job, JobEvent } from '../../protocol/job.ts';
import type { Output } from '../manner/output.ts';
import { Progress } from '../manner/progress.ts';
import { resumed } from '../manner/resume.ts';
import { plural } from '../manner/size.ts';
import { plain } from '../manner/text.ts';
import type { JobSummary } from './job.ts';
import { JobOutput } from './job-output.ts';
import { type Ending, exitOf, tellVerdict } from './job-verdict.ts';

export interface JobParts {
  readonly client: Client;
  readonly out: Output;
  /** Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** An engine that restarts is back sooner. */
const PATIENCE_MS = 60_000;
/** A device that is online has begun by then. */
const BEGUN_MS = 1_000;
/** Devices looked up one by one to say which are offline. */
const LOOKED_UP = 20;
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
  const waiting = setTimeout(() => tellWaiting(client, out, job, view), BEGUN_MS);
  try {
    const open = () => client.stream('job.watch', { job: job.id }, left.signal);
    const onBack = () => view.missed();
    const parts = { client, out, signal: left.signal, patienceMs: PATIENCE_MS, onBack };
    for await (const event of resumed(open, parts)) view.take(event);
  } catch (error) {
    throw ofJob(error, job.id);
  } finally {
    clearTimeout(waiting);
    view.close();
    interrupted.removeEventListener('abort', heard);
  }
  if (refusal) throw refusal;
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

class JobView {
  /** Those that did not succeed. */
  readonly failed: Ending[] = [];
  readonly queued = new Set<string>();
  over: JobSummary | undefined;
  readonly #out: Output;
  readonly #output: JobOutput | undefined;
  readonly #progress: Progress | undefined;
  readonly #id: string;
  readonly #total: number;
  readonly #devices: readonly string[];
  readonly #ended = new Set<string>();
  /** Whether a line of the only device's output is still open. */
  #open = false;

  constructor(out: Output, job: Job) {
    this.#out = out;
    this.#id = job.id;
    this.#total = job.targets.length;
    this.#progress = this.#total > 1 ? new Progress(out) : undefined;
    const write = (stream: 'stdout' | 'stderr', text: string): void => {
      this.#progress?.clear();
      this.#open = !text.endsWith('\n');
      process[stream].write(text);
    };
    this.#devices = job.targets.map(({ device }) => device);
    this.#output = out.json ? undefined : new JobOutput(out, this.#devices, write);
  }

  take(event: JobEvent): void {
    if (event.type === 'output') this.#output?.output(event.device, event.stream, event.data);
    else if (event.type === 'job') this.over = event.job;
    else this.#changed(event.target);
    if (event.type !== 'job') this.#progress?.show(() => this.#progressText());
  }

  missed(): void {
    this.#output?.missed(this.#devices.filter((device) => !this.#ended.has(device)));
  }

  #changed(target: Extract<JobEvent, { type: 'target' }>['target']): void {
    const { guid, state, device, exit_code, error_code, error } = target;
    if (state === 'queued') this.queued.add(guid);
    else this.queued.delete(guid);
    if (state === 'queued' || state === 'running' || this.#ended.has(device)) return;
    this.#ended.add(device);
    if (state !== 'succeeded') this.failed.push({ device, state, exit_code, error_code, error });
    if (this.#output?.ended(target) !== false) return;
    this.#out.warn(
      `Some of the output of ${plain(device)} was not shown. What was kept of it: borealisctl job show ${this.#id}`,
    );
  }

  #progressText(): string {
    const waiting = this.queued.size > 0 ? `, ${this.queued.size} waiting` : '';
    return `${this.#ended.size} of ${this.#total} devices done${waiting}`;
  }

  /** Whatever is said next begins a line of its own. */
  close(): void {
    this.#progress?.clear();
    if (this.#open && this.#out.terminal.interactive) process.stderr.write('\n');
    this.#open = false;
  }
}

/** Whom the command waits for, and until when. A hint: where it cannot be had, there is none. */
const tellWaiting = async (client: Client, out: Output, job: Job, view: JobView): Promise<void> => {
  if (view.queued.size === 0 || out.json || out.quiet) return;
  try {
    const offline = (await offlineOf(client, [...view.queued])).filter(({ guid }) => view.queued.has(guid));
    if (offline.length === 0) return;
    const names = offline.slice(0, 5).map(({ name }) => plain(name));
    const who =
      offline.length > 5
        ? `${plural(offline.length, 'device')} are offline (${names.join(', ')}, …)`
        : `${names.join(', ')} ${offline.length === 1 ? 'is' : 'are'} offline`;
    out.note(
      `${who}: the command waits, and expires ${out.moment(job.expires_at)}. Ctrl-C cancels it.`,
      'yellow',
    );
  } catch {
    // The job itself says what goes wrong with the engine.
  }
};

const offlineOf = async (client: Client, guids: readonly string[]) => {
  if (guids.length > LOOKED_UP) {
    const wanted = new Set(guids);
    return (await client.all('device.list', { state: 'offline' })).filter(({ guid }) => wanted.has(guid));
  }
  const devices = await Promise.all(guids.map((device) => client.call('device.show', { device })));
  return devices.filter(({ state }) => state === 'offline' || state === 'pending');
};
