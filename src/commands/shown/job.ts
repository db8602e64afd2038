/** Jobs and what came of them, as people see them. */
import type { Job, JobState, JobTarget } from '../../protocol/job.ts';
import type { ListView } from '../manner/command.ts';
import type { Output } from '../manner/output.ts';
import { stateColour } from '../manner/paint.ts';
import { plural } from '../manner/size.ts';
import { type Column, type Fact, facts, table } from '../manner/table.ts';
import { plain } from '../manner/text.ts';
import { span, took } from '../manner/time.ts';

export type JobSummary = Omit<Job, 'targets'>;

export const stateText = (state: JobState): string => state.replace('_', ' ');

const STATES: readonly JobState[] = [
  'running',
  'queued',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'expired',
];

export const countOf = (counts: Job['counts'], ...states: JobState[]): number =>
  (states.length > 0 ? states : STATES).reduce((sum, state) => sum + (counts[state] ?? 0), 0);

/** `3 succeeded, 1 failed`. */
export const countsText = (counts: Job['counts']): string =>
  STATES.filter((state) => (counts[state] ?? 0) > 0)
    .map((state) => `${counts[state]} ${stateText(state)}`)
    .join(', ');

const devicesText = (counts: Job['counts']): string => {
  const total = countOf(counts);
  const uniform = STATES.some((state) => counts[state] === total);
  return uniform ? String(total) : `${total}: ${countsText(counts)}`;
};

export const jobList = (out: Output): ListView<JobSummary> => ({
  columns: [
    { title: 'ID', value: ({ id }) => id },
    {
      title: 'STATE',
      value: ({ state }) => state,
      colour: ({ state }) => stateColour(state),
    },
    { title: 'KIND', value: ({ kind }) => kind, spare: true },
    { title: 'WHAT', value: ({ title }) => title, gives: true },
    { title: 'DEVICES', value: ({ counts }) => devicesText(counts), gives: true },
    { title: 'BY', value: ({ actor }) => actor },
    { title: 'STARTED', value: ({ created_at }) => out.time(created_at) },
  ],
  name: ({ id }) => id,
  empty: 'No jobs. Run something: borealisctl run DEVICE -- uptime',
});

const targetColumns: readonly Column<JobTarget>[] = [
  { title: 'DEVICE', value: ({ device }) => device, gives: true },
  { title: 'STATE', value: ({ state }) => state, colour: ({ state }) => stateColour(state) },
  { title: 'EXIT', value: ({ exit_code: code }) => code, align: 'right' },
  { title: 'TOOK', value: ({ duration_ms: ms }) => (ms === null ? null : took(ms)), align: 'right' },
  { title: 'ERROR', value: ({ error, error_code: code }) => error ?? code, gives: true },
];

/** The job, its targets, and the output of each, indented. */
export const jobCard = (out: Output, job: Job): string[] => {
  const rows: Fact[] = [
    ['Job', job.id],
    ['State', job.state, stateColour(job.state)],
    [KINDS[job.kind], job.title],
    ['Agent', job.context],
    ['Started', `${out.moment(job.created_at)} by ${job.actor}`],
    ['Finished', out.moment(job.finished_at)],
    ['Waits until', countOf(job.counts, 'queued') > 0 ? out.moment(job.expires_at) : null],
    ['Time limit', span(job.timeout_seconds)],
    ['Retry of', job.retry_of],
    ['Devices', `${plural(countOf(job.counts), 'device')}: ${countsText(job.counts)}`],
  ];
  const { width } = out.terminal;
  return [
    ...facts(rows, out.paint),
    '',
    ...table(job.targets, targetColumns, { columns: width, paint: out.paint }),
    ...job.targets.flatMap((target) => outputOf(out, target)),
  ];
};

const KINDS = { command: 'Command', script: 'Script', verb: 'Verb' } as const;

const outputOf = (out: Output, target: JobTarget): string[] => {
  const { device, stdout, stderr, value, truncated } = target;
  const text = value === null ? '' : JSON.stringify(value, null, 2);
  return [
    ...block(out, plain(device), stdout),
    ...block(out, `${plain(device)}, standard error`, stderr),
    ...block(out, `${plain(device)}, value`, text),
    ...(truncated ? [out.paint('dim', '    (its middle was left out: the output was too long)')] : []),
  ];
};

const block = (out: Output, title: string, text: string): string[] =>
  text === ''
    ? []
    : ['', out.paint('bold', title), ...indented(text.replace(/\n$/, '')).map((line) => `    ${line}`)];

/** Tabs stay columns; what else a terminal would obey does not reach it. */
const indented = (text: string): string[] =>
  text.split(/\r?\n/).map((line) => {
    let column = '';
    for (const [index, part] of line.split('\t').entries()) {
      if (index > 0) column += ' '.repeat(8 - (column.length % 8));
      column += plain(part);
    }
    return column;
  });
