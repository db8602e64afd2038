import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, vpnArg, watchFlag } from '../manner/flags.ts';
import { connectionList, vpnEvents } from '../shown/vpn.ts';

export default class ConnectionList extends BorealisCommand {
  static override summary = 'List the connections of a VPN service, by name.';
  static override examples = [
    'borealisctl connection list office',
    'borealisctl connection list office --watch',
  ];
  static override args = { vpn: vpnArg };
  static override flags = { output: outputFlag, watch: watchFlag };
  static override operations = ['connection.list'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConnectionList);
    const fetch = () => this.client.call('connection.list', { vpn: args.vpn });
    const view = connectionList(this.out, args.vpn);
    if (flags.watch) return this.watchList(fetch, view, vpnEvents);
    await this.list(await fetch(), view, flags.output);
  }
}
