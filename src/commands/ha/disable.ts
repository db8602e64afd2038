import { BorealisCommand } from '../manner/command.ts';
import { vpnArg } from '../manner/flags.ts';
import { warnUntold } from '../shown/vpn-untold.ts';

export default class HaDisable extends BorealisCommand {
  static override summary = 'Take the address away; the VPN service runs on its node alone again.';
  static override description =
    'A device that is not connected goes on as it was, also with the address, until it is connected and has heard of it; it is named, ' +
    'and `vpn show` says so until it has heard.';
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
    warnUntold(this.out, done.untold, pair.vpn, pair.address);
    const runs = done.untold.length === 0 ? 'runs' : 'is to run';
    this.out.done(done, `${pair.vpn} ${runs} on ${node} alone.`);
  }
}
