import { BorealisCommand } from '../manner/command.ts';
import { vpnArg, watchFlag } from '../manner/flags.ts';
import { haCard, haEvents } from '../shown/ha.ts';

export default class HaShow extends BorealisCommand {
  static override summary = 'Show who has the address of a VPN service, and who would take it.';
  static override examples = ['borealisctl ha show office', 'borealisctl ha show office --watch'];
  static override args = { vpn: vpnArg };
  static override flags = { watch: watchFlag };
  static override operations = ['ha.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(HaShow);
    const fetch = () => this.client.call('ha.show', { vpn: args.vpn });
    await this.show(fetch, (pair) => haCard(this.out, pair), flags.watch ? haEvents : undefined);
  }
}
