/** What a device measured over a span, one chart below another or beside. */
import type { TelemetrySample } from '../../../protocol/telemetry.ts';
import { bytes } from '../../../text/size.ts';
import { width } from '../../../text/width.ts';
import { buckets, drawArea, type Point, shareLook } from '../../components/chart.ts';
import { BOLD, style } from '../../grid/style.ts';
import type { Surface } from '../../grid/surface.ts';

interface Metric {
  readonly title: string;
  readonly value: (sample: TelemetrySample) => number | null;
  /** Upper edge; the largest value where it is not given. */
  readonly most?: number;
  readonly text: (value: number) => string;
}

const percent = (value: number): string => `${Math.round(value)}%`;
const rate = (value: number): string => `${bytes(value)}/s`;
const share = (part: number | null, whole: number | null): number | null =>
  part === null || !whole ? null : (100 * part) / whole;

const METRICS: readonly Metric[] = [
  { title: 'CPU', value: ({ cpu_percent }) => cpu_percent, most: 100, text: percent },
  {
    title: 'Memory',
    value: ({ memory_used_bytes, memory_total_bytes }) => share(memory_used_bytes, memory_total_bytes),
    most: 100,
    text: percent,
  },
  { title: 'Received', value: ({ network_rx_bytes_per_s }) => network_rx_bytes_per_s, text: rate },
  { title: 'Sent', value: ({ network_tx_bytes_per_s }) => network_tx_bytes_per_s, text: rate },
  {
    title: 'Disk',
    value: ({ disk_used_bytes, disk_total_bytes }) => share(disk_used_bytes, disk_total_bytes),
    most: 100,
    text: percent,
  },
  { title: 'Load', value: ({ load_1m }) => load_1m, text: (value) => value.toFixed(2) },
];

export interface Span {
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
}

export const drawCharts = (surface: Surface, samples: readonly TelemetrySample[], span: Span): void => {
  const across = surface.width >= 60 ? 2 : 1;
  const room = Math.floor(surface.height / 3);
  const count = Math.max(across, Math.min(METRICS.length, room * across));
  const rows = Math.ceil(count / across);
  const columns = Math.floor((surface.width - 2 * (across - 1)) / across);
  for (const [index, metric] of METRICS.slice(0, count).entries()) {
    const x = (index % across) * (columns + 2);
    const row = Math.floor(index / across);
    const y = Math.floor((row * surface.height) / rows);
    const height = Math.floor(((row + 1) * surface.height) / rows) - y;
    drawMetric(surface.sub(x, y, columns, height), metric, samples, span);
  }
};

const drawMetric = (
  surface: Surface,
  metric: Metric,
  samples: readonly TelemetrySample[],
  span: Span,
): void => {
  const points = samples.flatMap((sample): Point[] => {
    const value = metric.value(sample);
    return value === null ? [] : [{ at: Date.parse(sample.at), value }];
  });
  const used = surface.text(0, 0, metric.title, style('text', 'page', BOLD));
  const last = points.at(-1);
  if (!last) {
    surface.text(used + 1, 0, 'not measured', style('faint'));
    return;
  }
  const largest = points.reduce((most, { value }) => Math.max(most, value), 0);
  const most = metric.most ?? Math.max(largest, 1e-9);
  const now = metric.text(last.value);
  surface.text(used + 1, 0, now, shareLook(metric.most ? last.value / metric.most : 0));
  const peak = `most ${metric.text(largest)}`;
  if (used + width(now) + width(peak) + 4 < surface.width)
    surface.text(surface.width - width(peak), 0, peak, style('muted'));
  const area = surface.sub(0, 1, surface.width, surface.height - 1);
  drawArea(area, buckets(points, { ...span, count: area.width }), most, (part) =>
    metric.most ? shareLook(part) : style('accent'),
  );
};
