import { string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { shellEvents, shellList } from '../shown/shell.ts';

export default class ShellList extends BorealisCommand {
  static override summary = 'List shells that run, and who watches each.';
  static override examples = [
    'borealisctl shell list',
    'borealisctl shell list --device web-1',
    'borealisctl shell list --watch',
  ];
  static override flags = {
    device: string({ helpValue: 'DEVICE', summary: 'Only those on this device.' }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['shell.list'] as const;

  async run(): Promise<void> {
    const { device, output, watch } = (await this.parse(ShellList)).flags;
    const fetch = () => this.client.call('shell.list', device === undefined ? {} : { device });
    const view = shellList(this.out);
    if (watch) return this.watchList(fetch, view, shellEvents);
    await this.list(await fetch(), view, output);
  }
}
