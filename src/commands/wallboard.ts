import { integer } from '@oclif/core/flags';
import { BorealisError } from '../protocol/errors.ts';
import { BorealisCommand } from './manner/command.ts';
import { loadWallboard } from './manner/part.ts';

export default class Wallboard extends BorealisCommand {
  static override summary = 'Charts for a screen on a wall: load, sites, alerts, events. It needs no keys.';
  static override description =
    'Pages take turns. Keys, where somebody is there: arrows turn the page, q ends. When the engine is away the last ' +
    'picture stays, marked so, until it is back. With --json the numbers, one document every two seconds.';
  static override examples = [
    'borealisctl wallboard',
    'borealisctl wallboard --every 60',
    'borealisctl wallboard --json',
  ];
  static override flags = {
    every: integer({
      min: 0,
      max: 86_400,
      default: 20,
      helpValue: 'SECONDS',
      summary: 'Until the next page; 0 stays on the first.',
    }),
  };
  static override operations = ['status.show', 'device.list', 'event.watch', 'telemetry.watch'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(Wallboard);
    const { client, out } = this;
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
