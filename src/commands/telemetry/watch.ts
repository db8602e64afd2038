import { boolean } from '@oclif/core/flags';
import type { OutputOf } from '../../protocol/operations.ts';
import { BorealisCommand } from '../manner/command.ts';
import { anyNumber } from '../manner/flags.ts';
import type { Output } from '../manner/output.ts';
import { loadWallboard } from '../manner/part.ts';
import { resumed } from '../manner/resume.ts';
import { clockTime, type RunningColumn, RunningTable } from '../manner/running-table.ts';
import { sampleColumns } from '../shown/telemetry.ts';

type Measured = OutputOf<'telemetry.watch'>;

export default class TelemetryWatch extends BorealisCommand {
  static override summary = 'Watch measurements as they arrive, of some devices or of all.';
  static override description =
    'On a terminal, charts of the devices named: the last hour, and what arrives. Otherwise a line for each measurement.';
  static override examples = [
    'borealisctl telemetry watch web-1 db-1',
    'borealisctl telemetry watch web-1 --lines',
    'borealisctl telemetry watch --json',
  ];
  static override args = { devices: anyNumber('Devices; all of them unless told.') };
  static override flags = { lines: boolean({ summary: 'A line for each measurement, instead of charts.' }) };
  static override operations = ['telemetry.watch', 'telemetry.show', 'device.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TelemetryWatch);
    const { devices = [] } = args;
    const { client, out } = this;
    const signal = this.untilInterrupted();
    const { interactive, color } = out.terminal;
    if (devices.length > 0 && interactive && process.env.TERM !== 'dumb' && !flags.lines && !out.json) {
      const part = await loadWallboard();
      return part.devices({ client, signal, colour: color.stdout, devices });
    }
    const wanted = devices.length > 0 ? { device: devices } : {};
    out.note('A line for each measurement, two a minute from each device. Ctrl-C ends.', 'dim');
    const open = () => client.stream('telemetry.watch', wanted, signal);
    const table = new RunningTable(out, columnsOf(out));
    for await (const measured of resumed(open, { client, out, signal, patienceMs: Infinity })) {
      if (out.json) out.record(measured);
      else table.add(measured);
    }
  }
}

const columnsOf = (out: Output): RunningColumn<Measured>[] => [
  { title: 'TIME', value: ({ sample }) => clockTime(out, sample.at) },
  { title: 'DEVICE', value: ({ device }) => device, least: 12 },
  ...sampleColumns(out)
    .filter(({ title }) => title !== 'TIME')
    .map(
      ({ title, value }): RunningColumn<Measured> => ({
        title,
        value: ({ sample }) => value(sample),
        align: 'right',
        least: title === 'RECEIVED' || title === 'SENT' ? 10 : 5,
      }),
    ),
];
