import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { countOf } from '../shown/job.ts';

export default class JobCancel extends BorealisCommand {
  static override summary = 'Cancel what of a job has not finished; running commands are ended.';
  static override examples = ['borealisctl job cancel k3jd'];
  static override args = { job: required('Id of the job, or a unique prefix of it.') };
  static override operations = ['job.cancel'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(JobCancel);
    const job = await this.client.call('job.cancel', { job: args.job });
    const running = countOf(job.counts, 'running', 'queued');
    this.out.done(job, running === 0 ? `Job ${job.id} is cancelled.` : `Job ${job.id} is being cancelled.`);
    if (running > 0)
      this.out.note(`${running} still to end it on their side; see it with: borealisctl job watch ${job.id}`);
  }
}
