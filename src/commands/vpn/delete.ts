import { BorealisCommand } from '../manner/command.ts';
import { vpnArg } from '../manner/flags.ts';
import { plural } from '../manner/size.ts';

export default class VpnDelete extends BorealisCommand {
  static override summary = 'Remove a VPN service with all its connections.';
  static override examples = ['borealisctl vpn delete office', 'borealisctl vpn delete office --yes'];
  static override args = { vpn: vpnArg };
  static override operations = ['vpn.show', 'vpn.delete'] as const;

  async run(): Promise<void> {
    const { vpn } = (await this.parse(VpnDelete)).args;
    const { name, connections, node, phase } = await this.client.call('vpn.show', { vpn });
    await this.confirm(
      `The VPN service ${name} ends, and the configurations of its ${plural(connections, 'connection')} are of no use any more.`,
    );
    const done = await this.client.call('vpn.delete', { vpn: name });
    if (node !== 'engine' && phase === 'waiting')
      this.out.warn(`${node} goes on with it until it is connected again, and then drops it.`);
    this.out.done(done, `${name} is gone.`);
  }
}
