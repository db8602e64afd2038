/** Measurements as people see them: one sample, a table, a line of them as a small chart. */
import type { TelemetrySample } from '../../protocol/telemetry.ts';
import type { Output } from '../manner/output.ts';
import { bytes, percent } from '../manner/size.ts';
import { type Column, type Fact, table } from '../manner/table.ts';
import { pad } from '../manner/text.ts';
import { span } from '../manner/time.ts';

const rate = (value: number | null): string | null => (value === null ? null : `${bytes(value)}/s`);
const share = (part: number | null, whole: number | null): string | null =>
  part === null || whole === null ? null : percent(part, whole);

export const sampleColumns = (out: Output): readonly Column<TelemetrySample>[] => [
  { title: 'TIME', value: ({ at }) => out.time(at) },
  { title: 'CPU', value: ({ cpu_percent: cpu }) => `${Math.round(cpu)}%`, align: 'right' },
  { title: 'LOAD', value: ({ load_1m: load }) => load?.toFixed(2), align: 'right' },
  {
    title: 'MEMORY',
    value: ({ memory_used_bytes: used, memory_total_bytes: total }) => percent(used, total),
    align: 'right',
  },
  {
    title: 'SWAP',
    value: ({ swap_used_bytes: swap }) => (swap === null ? null : bytes(swap)),
    align: 'right',
  },
  {
    title: 'DISK',
    value: ({ disk_used_bytes: used, disk_total_bytes: total }) => share(used, total),
    align: 'right',
  },
  { title: 'RECEIVED', value: ({ network_rx_bytes_per_s: rx }) => rate(rx), align: 'right' },
  { title: 'SENT', value: ({ network_tx_bytes_per_s: tx }) => rate(tx), align: 'right' },
  { title: 'PROCESSES', value: ({ processes }) => processes, align: 'right', spare: true },
];

export const sampleTable = (out: Output, samples: readonly TelemetrySample[]): string[] =>
  table(samples, sampleColumns(out), { columns: out.terminal.width, paint: out.paint });

/** For the card of a device. */
export const sampleFacts = (out: Output, sample: TelemetrySample): Fact[] => {
  const { memory_used_bytes: used, memory_total_bytes: total } = sample;
  const { disk_used_bytes: disk, disk_total_bytes: disks } = sample;
  const load = sample.load_1m === null ? '' : `, load ${sample.load_1m.toFixed(2)}`;
  return [
    ['Measured', out.moment(sample.at)],
    ['CPU', `${Math.round(sample.cpu_percent)}%${load}`],
    ['Memory', `${percent(used, total)}: ${bytes(used)} of ${bytes(total)}`],
    [
      'Disk',
      disk === null || disks === null ? null : `${percent(disk, disks)}: ${bytes(disk)} of ${bytes(disks)}`,
    ],
    ['Up for', span(sample.uptime_seconds)],
  ];
};

interface Metric {
  readonly title: string;
  readonly value: (sample: TelemetrySample) => number | null;
  /** The top of the chart; the largest value where it is not given. */
  readonly most?: number;
  readonly text: (value: number) => string;
}

const inPercent = (value: number): string => `${Math.round(value)}%`;
const ofWhole = (part: number | null, whole: number | null): number | null =>
  part === null || whole === null || whole === 0 ? null : (100 * part) / whole;

const METRICS: readonly Metric[] = [
  { title: 'CPU', value: (sample) => sample.cpu_percent, most: 100, text: inPercent },
  { title: 'Load', value: (sample) => sample.load_1m, text: (value) => value.toFixed(2) },
  {
    title: 'Memory',
    value: (sample) => ofWhole(sample.memory_used_bytes, sample.memory_total_bytes),
    most: 100,
    text: inPercent,
  },
  {
    title: 'Disk',
    value: (sample) => ofWhole(sample.disk_used_bytes, sample.disk_total_bytes),
    most: 100,
    text: inPercent,
  },
  {
    title: 'Received',
    value: (sample) => sample.network_rx_bytes_per_s,
    text: (value) => `${bytes(value)}/s`,
  },
  { title: 'Sent', value: (sample) => sample.network_tx_bytes_per_s, text: (value) => `${bytes(value)}/s` },
];

const CHART_WIDEST = 60;
const CHART_NARROWEST = 5;
/** Agents measure each 30 s: a narrower part of the span would be empty now and then. */
const CELL_MS = 35_000;
const TITLE_COLUMNS = 12;

/** A line for each metric over the whole span; blank where nothing was measured. Times are milliseconds since 1970. */
export const charts = (
  out: Output,
  samples: readonly TelemetrySample[],
  { since, until }: { readonly since: number; readonly until: number },
): string[] => {
  const rows = METRICS.flatMap(({ title, value, most, text }) => {
    const points = samples.flatMap((sample) => {
      const known = value(sample);
      return known === null ? [] : [{ at: Date.parse(sample.at), value: known }];
    });
    const last = points.at(-1);
    if (!last) return [];
    const values = points.map((point) => point.value);
    const largest = values.reduce((a, b) => Math.max(a, b), 0);
    const average = values.reduce((a, b) => a + b, 0) / values.length;
    const words = `now ${text(last.value)}, average ${text(average)}, most ${text(largest)}`;
    return [{ title, points, most: most ?? largest, words }];
  });
  const room =
    out.terminal.width - TITLE_COLUMNS - rows.reduce((most, { words }) => Math.max(most, words.length), 0);
  const cells = Math.max(
    CHART_NARROWEST,
    Math.min(CHART_WIDEST, room, Math.floor((until - since) / CELL_MS)),
  );
  return rows.map(({ title, points, most, words }) => {
    const line = sparkline(points, { since, until, cells, most });
    return `${out.paint('dim', pad(title, 8))}  ${out.paint('cyan', line)}  ${words}`;
  });
};

const BLOCKS = '▁▂▃▄▅▆▇█';

/** A character for each part of the span, as high as the average in it. */
export const sparkline = (
  points: readonly { readonly at: number; readonly value: number }[],
  {
    since,
    until,
    cells,
    most,
  }: { readonly since: number; readonly until: number; readonly cells: number; readonly most: number },
): string => {
  const sums = Array.from({ length: cells }, () => ({ sum: 0, count: 0 }));
  for (const { at, value } of points) {
    const index = Math.floor(((at - since) / Math.max(1, until - since)) * cells);
    const cell = sums[Math.min(cells - 1, Math.max(0, index))];
    if (!cell) continue;
    cell.sum += value;
    cell.count++;
  }
  return sums
    .map(({ sum, count }) => {
      if (count === 0) return ' ';
      const height = most <= 0 ? 0 : sum / count / most;
      return BLOCKS[Math.min(BLOCKS.length - 1, Math.max(0, Math.floor(height * BLOCKS.length)))];
    })
    .join('');
};
