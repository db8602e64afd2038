import { BorealisError } from '../protocol/errors.ts';
import { BorealisCommand } from './manner/command.ts';
import { durationFlag } from './manner/flags.ts';
import { loadWallboard } from './manner/part.ts';

const MOST_SECONDS = 86_400;

export default class Wallboard extends BorealisCommand {
  static override summary = 'Charts for a screen on a wall: load, sites, alerts, events. It needs no keys.';
  static override description =
    'Pages take turns. Keys, where somebody is there: arrows turn the page, q ends. When the engine is away the last ' +
    'picture stays, marked so, until it is back. With --json the numbers, one document every two seconds.';
  static override examples = [
    'borealisctl wallboard',
    'borealisctl wallboard --every 1m',
    'borealisctl wallboard --json',
  ];
  static override flags = {
    every: durationFlag({
      default: 20,
      summary: 'Until the next page; 0 stays on the first.',
    }),
  };
  static override operations = ['status.show', 'device.list', 'event.watch', 'telemetry.watch'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(Wallboard);
    const { client, out } = this;
    if (flags.every > MOST_SECONDS)
      throw new BorealisError('USAGE', {
        detail: '--every: must be at most a day.',
        next: 'Write it like 20s or 5m.',
      });
    const signal = this.untilInterrupted();
    if (!out.json && (!out.terminal.interactive || process.env.TERM === 'dumb')) {
      throw new BorealisError('USAGE', {
        detail: 'The wallboard needs a terminal that it can draw on.',
        next: 'Run it in one, or take the numbers: borealisctl wallboard --json',
      });
    }
    // What cannot work at all is said before the screen is taken.
    await client.call('status.show', {}, { signal });
    const part = await loadWallboard();
    if (out.json) return part.numbers({ client, signal }, (summary) => out.record(summary));
    await part.show({ client, signal, colour: out.terminal.color.stdout, secondsPerPage: flags.every });
  }
}
