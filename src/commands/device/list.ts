import { option, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, tagFlag, watchFlag } from '../manner/flags.ts';
import { deviceList } from '../shown/device.ts';

export default class DeviceList extends BorealisCommand {
  static override summary = 'List devices, by name.';
  static override examples = [
    'borealisctl device list',
    'borealisctl device list --state online --tag env=prod',
    'borealisctl device list --site berlin --output name',
    'borealisctl device list --watch',
  ];
  static override flags = {
    state: option({
      options: ['pending', 'online', 'offline', 'quarantined', 'revoked'] as const,
      summary: 'Only those in this state.',
    })(),
    site: string({ helpValue: 'SITE', summary: 'Only those of this site.' }),
    tag: tagFlag('Only those with this tag; repeated, with all of them.'),
    search: string({ helpValue: 'TEXT', summary: 'Only those with this in their name or host name.' }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['device.list'] as const;

  async run(): Promise<void> {
    const { state, site, tag, search, output, watch } = (await this.parse(DeviceList)).flags;
    const wanted = {
      ...(state && { state }),
      ...(site && { site }),
      ...(tag && { tag }),
      ...(search && { search }),
    };
    const fetch = () => this.client.all('device.list', wanted);
    const view = deviceList(this.out);
    if (watch) return this.watchList(fetch, view, DEVICE_EVENTS);
    const { json, terminal } = this.out;
    if (json && !terminal.interactive) this.out.line(await this.client.allText('device.list', wanted));
    else await this.list(await fetch(), view, output);
  }
}

const DEVICE_EVENTS = [
  'device.enrolled',
  'device.online',
  'device.offline',
  'device.changed',
  'device.quarantined',
  'device.released',
  'device.revoked',
  'device.removed',
] as const;
