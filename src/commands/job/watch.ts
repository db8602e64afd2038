import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';

export default class JobWatch extends BorealisCommand {
  static override summary = 'Watch a job: its output so far, then as it is made, until its end.';
  static override description =
    'Ctrl-C leaves the job running. Ends as `run` does: 0 where all succeeded, 1, 6 or 8 where not.';
  static override examples = ['borealisctl job watch k3jd', 'borealisctl job watch k3jd --json'];
  static override args = { job: required('Id of the job, or a unique prefix of it.') };
  static override operations = ['job.show', 'job.watch'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(JobWatch);
    const interrupted = this.untilInterrupted();
    if (this.out.json) return this.#records(args.job, interrupted);
    const job = await this.client.call('job.show', { job: args.job });
    const { seeThrough } = await import('../shown/job-run.ts');
    await seeThrough({ client: this.client, out: this.out, interrupted }, job, 'leave');
  }

  /** One event a line; the last one is the job. */
  async #records(job: string, signal: AbortSignal): Promise<void> {
    const { exitOf } = await import('../shown/job-verdict.ts');
    for await (const event of this.client.stream('job.watch', { job }, signal)) {
      this.out.record(event);
      if (event.type === 'job') process.exitCode = exitOf(event.job.counts);
    }
    this.cutShort();
  }
}
