import { integer, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { eventList, readTypes } from '../shown/event.ts';

const MOST = 100;

export default class EventList extends BorealisCommand {
  static override summary = 'List what happened, to everything or to one device; newest first.';
  static override examples = [
    'borealisctl event list',
    'borealisctl event list --device web-1 --limit 20',
    'borealisctl event list --type vpn_tunnel_start --type security --json',
  ];
  static override flags = {
    device: string({ helpValue: 'DEVICE', summary: 'Only what happened to this device.' }),
    type: string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'TYPE',
      summary: 'Only events of this type, like device.online, or of this noun, like device; repeatable.',
    }),
    limit: integer({ char: 'n', min: 1, helpValue: 'N', summary: `At most so many; ${MOST} unless told.` }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['event.list'] as const;

  async run(): Promise<void> {
    const { device, type, limit = MOST, output, watch } = (await this.parse(EventList)).flags;
    const wanted = { ...(device !== undefined && { device }), ...(type && { type: readTypes(type) }) };
    // One more tells whether there are more.
    const fetch = () => this.client.all('event.list', wanted, { most: limit + 1 });
    const view = eventList(this.out);
    if (watch) return this.watchList(async () => (await fetch()).slice(0, limit), view, wanted.type ?? []);
    const events = await fetch();
    await this.list(events.slice(0, limit), view, output);
    if (events.length > limit) this.out.note(`These are the newest ${limit}; more with --limit.`);
  }
}
