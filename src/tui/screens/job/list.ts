/** All jobs, newest first. */
import type { JobState } from '../../../protocol/job.ts';
import type { OutputOf } from '../../../protocol/operations.ts';
import type { App } from '../../app/app.ts';
import { age } from '../../components/age.ts';
import { ListScreen } from '../../components/list-screen.tsx';
import { stateMark, stateRole, style } from '../../grid/style.ts';
import { commandLine } from '../../overlays/command-line.ts';
import { cancelJob, retryJob } from './act.ts';
import { jobListKeys } from './keys.ts';
import { openJob } from './open.ts';

export type JobSummary = OutputOf<'job.list'>['items'][number];

const COUNTED: readonly JobState[] = [
  'succeeded',
  'running',
  'queued',
  'failed',
  'timed_out',
  'cancelled',
  'expired',
];
export const countsText = (counts: JobSummary['counts']): string =>
  COUNTED.flatMap((state) => (counts[state] ? [`${counts[state]}${stateMark(state)}`] : [])).join(' ');

export class JobList extends ListScreen<JobSummary> {
  constructor(app: App) {
    const { jobs } = app.store;
    super(app, {
      noun: 'job',
      title: 'jobs',
      bindings: jobListKeys,
      items: () => jobs.value ?? [],
      version: () => jobs.version,
      id: ({ id }) => id,
      columns: [
        {
          id: 'state',
          title: 'STATE',
          width: 12,
          text: ({ state }) => `${stateMark(state)} ${state}`,
          style: ({ state }) => style(stateRole(state)),
        },
        { id: 'title', title: 'WHAT', width: 20, grow: 4, text: ({ title }) => title },
        {
          id: 'kind',
          title: 'KIND',
          width: 7,
          keep: 1,
          text: ({ kind }) => kind,
          style: () => style('muted'),
        },
        {
          id: 'targets',
          title: 'DEVICES',
          width: 14,
          grow: 1,
          text: ({ counts }) => countsText(counts),
          order: ({ counts }) => -Object.values(counts).reduce((sum, count) => sum + (count ?? 0), 0),
        },
        {
          id: 'actor',
          title: 'BY',
          width: 10,
          keep: 2,
          text: ({ actor }) => actor,
          style: () => style('muted'),
        },
        {
          id: 'id',
          title: 'ID',
          width: 10,
          keep: 0,
          text: ({ id }) => id.slice(0, 10),
          style: () => style('faint'),
        },
        {
          id: 'created',
          title: 'AGE',
          width: 6,
          align: 'right',
          text: ({ created_at }) => age(created_at, app.now()),
          style: () => style('muted'),
          order: ({ created_at }) => -Date.parse(created_at),
        },
      ],
      empty: [
        'No jobs yet.',
        '',
        'Run a command from the list of devices with r, or a stored script with S.',
      ],
      watch: () => jobs.watch(),
      loading: () => jobs.value === undefined && jobs.error === undefined,
      problem: () => (jobs.error && !jobs.value ? [jobs.error.message, jobs.error.next] : undefined),
    });
  }

  act(action: string) {
    if (action === 'run') return commandLine(this.app, 'run --all -- ');
    const job = this.list.current();
    if (!job) return;
    if (action === 'open') openJob(this.app, job.id);
    else if (action === 'cancel') cancelJob(this.app, job);
    else if (action === 'retry') void retryJob(this.app, job.id);
  }
}
