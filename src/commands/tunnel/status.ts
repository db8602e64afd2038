import { BorealisCommand } from '../manner/command.ts';
import { deviceArg, watchFlag } from '../manner/flags.ts';
import { tunnelCard, tunnelEvents } from '../shown/tunnel.ts';

export default class TunnelStatus extends BorealisCommand {
  static override summary = 'Show the tunnel of a device: by which way, since when, who uses it.';
  static override examples = ['borealisctl tunnel status web-1', 'borealisctl tunnel status web-1 --watch'];
  static override args = { device: deviceArg };
  static override flags = { watch: watchFlag };
  static override operations = ['tunnel.status'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TunnelStatus);
    const fetch = () => this.client.call('tunnel.status', { device: args.device });
    await this.show(fetch, (tunnel) => tunnelCard(this.out, tunnel), flags.watch ? tunnelEvents : undefined);
  }
}
