import { BorealisCommand } from '../manner/command.ts';
import { required, watchFlag } from '../manner/flags.ts';
import { jobCard } from '../shown/job.ts';

export default class JobShow extends BorealisCommand {
  static override summary = 'Show a job: each device, what came of it there, and its output.';
  static override examples = ['borealisctl job show k3jd', 'borealisctl job show k3jd --json'];
  static override args = { job: required('Id of the job, or a unique prefix of it.') };
  static override flags = { watch: watchFlag };
  static override operations = ['job.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(JobShow);
    await this.show(
      () => this.client.call('job.show', { job: args.job }),
      (job) => jobCard(this.out, job),
      flags.watch ? (['job.target', 'job.finished'] as const) : undefined,
    );
  }
}
