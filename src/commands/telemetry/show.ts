import { integer, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { deviceArg, watchFlag } from '../manner/flags.ts';
import { parseSince } from '../manner/time.ts';
import { charts, sampleTable } from '../shown/telemetry.ts';

/** Rows that are still looked at; scripts get all there is, up to the engine's own limit. */
const ROWS = 20;
const CHART_POINTS = 1_000;

export default class TelemetryShow extends BorealisCommand {
  static override summary = 'Show what a device measured: charts and a table.';
  static override description =
    'Measured each 30 seconds. Longer spans are thinned by averaging, in the table to 20 rows unless --points says more.';
  static override examples = [
    'borealisctl telemetry show web-1',
    'borealisctl telemetry show web-1 --since 7d',
    'borealisctl telemetry show web-1 --since 2026-01-31T08:00:00Z --until 2026-01-31T09:00:00Z --json',
  ];
  static override args = { device: deviceArg };
  static override flags = {
    since: string({ helpValue: 'WHEN', summary: 'From then on: 1h, 7d or a moment; 1h unless told.' }),
    until: string({ helpValue: 'WHEN', summary: 'Until then; now unless told.' }),
    points: integer({ min: 1, max: 10_000, helpValue: 'N', summary: 'At most so many measurements.' }),
    watch: watchFlag,
  };
  static override operations = ['telemetry.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TelemetryShow);
    const { device } = args;
    const ask = (points: number | undefined) => {
      const now = Date.now();
      const since = parseSince(flags.since ?? '1h', now);
      const until = flags.until === undefined ? undefined : parseSince(flags.until, now);
      const input = { device, since, ...(until && { until }), ...(points !== undefined && { points }) };
      const range = { since: Date.parse(since), until: until ? Date.parse(until) : now };
      return this.client.call('telemetry.show', input).then((samples) => ({ samples, range }));
    };
    if (this.out.json && !flags.watch) return this.out.document((await ask(flags.points)).samples);
    const fetch = async () => {
      if (this.out.json) return { samples: (await ask(flags.points)).samples };
      const { samples } = await ask(flags.points ?? ROWS);
      return { samples, ...(this.out.terminal.interactive && { chart: await ask(CHART_POINTS) }) };
    };
    await this.show(
      fetch,
      ({ samples, chart }) => {
        if (samples.length === 0) return [`${device} measured nothing in that time.`];
        const lines = chart ? [...charts(this.out, chart.samples, chart.range), ''] : [];
        return [...lines, ...sampleTable(this.out, samples)];
      },
      flags.watch ? [] : undefined,
    );
  }
}
