/** A job as it is watched: its output, how many devices are done, which did not succeed. */
import type { Job, JobEvent, JobTarget } from '../../protocol/job.ts';
import type { Output } from '../manner/output.ts';
import { Progress } from '../manner/progress.ts';
import { plain } from '../manner/text.ts';
import { span } from '../manner/time.ts';
import type { JobSummary } from './job.ts';
import { JobOutput } from './job-output.ts';
import type { Ending } from './job-verdict.ts';

const TICK_MS = 1_000;

/** To be closed. */
export class JobView {
  /** Those that did not succeed. */
  readonly failed: Ending[] = [];
  readonly queued = new Set<string>();
  over: JobSummary | undefined;
  readonly #out: Output;
  readonly #output: JobOutput | undefined;
  readonly #progress: Progress;
  readonly #started = performance.now();
  readonly #ticking: NodeJS.Timeout;
  readonly #id: string;
  readonly #total: number;
  readonly #devices: readonly string[];
  readonly #ended = new Set<string>();
  /** Whether a line of the only device's output is still open. */
  #open = false;
  #wrote = false;

  constructor(out: Output, job: Job) {
    this.#out = out;
    this.#id = job.id;
    this.#total = job.targets.length;
    this.#progress = new Progress(out);
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    const write = (stream: 'stdout' | 'stderr', text: string): void => {
      this.#progress.clear();
      this.#wrote = true;
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
    if (event.type !== 'job') this.#tick();
  }

  missed(): void {
    this.#output?.missed(this.#devices.filter((device) => !this.#ended.has(device)));
  }

  #changed(target: JobTarget): void {
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

  /** Output of an only device is left as it is: nothing is drawn between its lines. */
  #tick(): void {
    if (this.#total > 1 || !this.#wrote) this.#progress.show(() => this.#progressText());
  }

  #progressText(): string {
    const seconds = (performance.now() - this.#started) / 1_000;
    if (this.#total === 1 && this.queued.size === 0)
      return `${plain(this.#devices[0] ?? '')}: running for ${span(seconds)}`;
    if (this.#total === 1) return `Waiting for ${span(seconds)}`;
    const waiting = this.queued.size > 0 ? `, ${this.queued.size} waiting` : '';
    return `${this.#ended.size} of ${this.#total} devices done${waiting}, ${span(seconds)}`;
  }

  /** Whatever is said next begins a line of its own. */
  close(): void {
    clearInterval(this.#ticking);
    this.#progress.clear();
    if (this.#open && this.#out.terminal.interactive) process.stderr.write('\n');
    this.#open = false;
  }
}
