import { boolean } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';

export default class JobRetry extends BorealisCommand {
  static override summary = 'Run the work of a job again where it did not succeed.';
  static override description = 'A new job; it is watched as `run` does it, and Ctrl-C cancels it.';
  static override examples = ['borealisctl job retry k3jd', 'borealisctl job retry k3jd --all --detach'];
  static override args = { job: required('Id of the job, or a unique prefix of it.') };
  static override flags = {
    all: boolean({ summary: 'Where it succeeded as well.' }),
    detach: boolean({ char: 'd', summary: 'Only start it, and print the id of the new job.' }),
  };
  static override operations = ['job.retry', 'job.watch', 'job.cancel', 'job.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(JobRetry);
    const interrupted = this.untilInterrupted();
    const { runJob } = await import('../shown/job-run.ts');
    const create = () => this.client.call('job.retry', { job: args.job, all: flags.all });
    await runJob({ client: this.client, out: this.out, interrupted }, create, flags.detach);
  }
}
