import { integer, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { resumed } from '../manner/resume.ts';
import { RunningTable } from '../manner/running-table.ts';
import { eventColumns, readTypes } from '../shown/event.ts';

export default class EventWatch extends BorealisCommand {
  static override summary = 'Watch what happens, as it happens.';
  static override description =
    'Each event has an id, and ids grow: --after ID begins with what came after that one. When the engine restarts, ' +
    'the watch goes on where it was.';
  static override examples = [
    'borealisctl event watch',
    'borealisctl event watch --type device --type security.alert',
    'borealisctl event watch --device web-1',
    'borealisctl event watch --after 1200 --json',
  ];
  static override flags = {
    type: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'TYPE',
      summary: 'Only events of this type, like device.online, or of this noun, like device; repeatable.',
    }),
    device: string({ helpValue: 'DEVICE', summary: 'Only what happens to this device.' }),
    after: integer({
      min: 0,
      helpValue: 'ID',
      summary: 'First those after this id; 0 is all that are kept.',
    }),
  };
  static override operations = ['event.watch'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(EventWatch);
    const { client, out } = this;
    const signal = this.untilInterrupted();
    const wanted = {
      ...(flags.type && { type: readTypes(flags.type) }),
      ...(flags.device !== undefined && { device: flags.device }),
    };
    let { after } = flags;
    const open = () =>
      client.stream('event.watch', { ...wanted, ...(after !== undefined && { after }) }, signal);
    if (after === undefined) out.note('Waiting for events. Ctrl-C ends.', 'dim');
    const table = new RunningTable(out, eventColumns(out));
    for await (const event of resumed(open, { client, out, signal, patienceMs: Infinity })) {
      after = event.id;
      if (out.json) out.record(event);
      else table.add(event);
    }
  }
}
