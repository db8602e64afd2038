import { string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { vpnEvents, vpnList } from '../shown/vpn.ts';

export default class VpnList extends BorealisCommand {
  static override summary = 'List the VPN services, by name.';
  static override examples = ['borealisctl vpn list', 'borealisctl vpn list --project lab --json'];
  static override flags = {
    project: string({ helpValue: 'PROJECT', summary: 'Those of this project alone.' }),
    output: outputFlag,
    watch: watchFlag,
  };
  static override operations = ['vpn.list'] as const;

  async run(): Promise<void> {
    const { project, output, watch } = (await this.parse(VpnList)).flags;
    const fetch = () => this.client.call('vpn.list', project === undefined ? {} : { project });
    if (watch) return this.watchList(fetch, vpnList(), vpnEvents);
    await this.list(await fetch(), vpnList(), output);
  }
}
