import { BorealisCommand } from '../manner/command.ts';
import { vpnArg, watchFlag } from '../manner/flags.ts';
import { connectionList, vpnCard, vpnEvents } from '../shown/vpn.ts';

export default class VpnStatus extends BorealisCommand {
  static override summary = 'Show a VPN service and who is connected: handshakes, bytes, endpoints.';
  static override examples = ['borealisctl vpn status office', 'borealisctl vpn status office --watch'];
  static override args = { vpn: vpnArg };
  static override flags = { watch: watchFlag };
  static override operations = ['vpn.status'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VpnStatus);
    const { listLines } = await import('../manner/list.ts');
    const fetch = () => this.client.call('vpn.status', { vpn: args.vpn });
    await this.show(
      fetch,
      ({ service, connections }) => {
        const view = connectionList(this.out, service.name);
        const rows = connections.length === 0 ? [view.empty] : listLines(this.out, connections, view);
        return [...vpnCard(this.out, service), '', ...rows];
      },
      flags.watch ? vpnEvents : undefined,
    );
  }
}
