import { BorealisCommand } from '../manner/command.ts';
import { vpnArg } from '../manner/flags.ts';

export default class HaDisable extends BorealisCommand {
  static override summary = 'Take the address away; the VPN service runs on its node alone again.';
  static override examples = ['borealisctl ha disable office', 'borealisctl ha disable office --yes'];
  static override args = { vpn: vpnArg };
  static override operations = ['ha.show', 'ha.disable', 'vpn.show'] as const;

  async run(): Promise<void> {
    const { vpn } = (await this.parse(HaDisable)).args;
    const pair = await this.client.call('ha.show', { vpn });
    await this.confirm(
      `${pair.address} goes from ${pair.primary} and ${pair.standby}; clients of ${pair.vpn} that go there reach nobody.`,
    );
    const done = await this.client.call('ha.disable', { vpn: pair.vpn });
    const { node } = await this.client.call('vpn.show', { vpn: pair.vpn });
    this.out.done(done, `${pair.vpn} runs on ${node} alone.`);
  }
}
