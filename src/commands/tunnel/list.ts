import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { tunnelEvents, tunnelList } from '../shown/tunnel.ts';

export default class TunnelList extends BorealisCommand {
  static override summary = 'List the tunnels that are up, by device.';
  static override examples = ['borealisctl tunnel list', 'borealisctl tunnel list --watch'];
  static override flags = { output: outputFlag, watch: watchFlag };
  static override operations = ['tunnel.list'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(TunnelList);
    const fetch = () => this.client.call('tunnel.list', {});
    const view = tunnelList(this.out);
    if (flags.watch) return this.watchList(fetch, view, tunnelEvents);
    await this.list(await fetch(), view, flags.output);
  }
}
