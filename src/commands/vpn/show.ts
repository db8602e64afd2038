import { BorealisCommand } from '../manner/command.ts';
import { vpnArg, watchFlag } from '../manner/flags.ts';
import { vpnCard, vpnEvents } from '../shown/vpn.ts';

export default class VpnShow extends BorealisCommand {
  static override summary = 'Show a VPN service: where it is reached, and where it leads.';
  static override examples = ['borealisctl vpn show office', 'borealisctl vpn show office --watch'];
  static override args = { vpn: vpnArg };
  static override flags = { watch: watchFlag };
  static override operations = ['vpn.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VpnShow);
    const fetch = () => this.client.call('vpn.show', { vpn: args.vpn });
    await this.show(fetch, (vpn) => vpnCard(this.out, vpn), flags.watch ? vpnEvents : undefined);
  }
}
