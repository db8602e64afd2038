import { integer, option } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { jobList } from '../shown/job.ts';

const MOST = 100;

export default class JobList extends BorealisCommand {
  static override summary = 'List jobs, newest first.';
  static override examples = [
    'borealisctl job list',
    'borealisctl job list --state failed --limit 20',
    'borealisctl job list --watch',
  ];
  static override flags = {
    state: option({
      options: ['queued', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'expired'] as const,
      summary: 'Only those in this state.',
    })(),
    limit: integer({ char: 'n', min: 1, helpValue: 'N', summary: `At most so many; ${MOST} unless told.` }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['job.list'] as const;

  async run(): Promise<void> {
    const { state, limit = MOST, output, watch } = (await this.parse(JobList)).flags;
    // One more tells whether there are more.
    const input = { ...(state && { state }), ...(this.#whole(output) && { targets: true }) };
    const fetch = () => this.client.all('job.list', input, { most: limit + 1 });
    const view = jobList(this.out);
    if (watch) return this.watchList(async () => (await fetch()).slice(0, limit), view, JOB_EVENTS);
    const jobs = await fetch();
    await this.list(jobs.slice(0, limit), view, output);
    if (jobs.length > limit) this.out.note(`These are the newest ${limit}; more with --limit.`);
  }

  /** A script gets all that a job is; in a table there is no room for it. */
  #whole(output: string | undefined): boolean {
    return this.out.json || output === 'json' || output === 'yaml';
  }
}

const JOB_EVENTS = ['job.created', 'job.target', 'job.finished'] as const;
