import { BorealisCommand } from '../manner/command.ts';
import { vpnArg } from '../manner/flags.ts';
import { warnUntold } from '../shown/vpn-untold.ts';

export default class VpnDelete extends BorealisCommand {
  static override summary = 'Remove a VPN service with all its connections.';
  static override examples = ['borealisctl vpn delete office', 'borealisctl vpn delete office --yes'];
  static override args = { vpn: vpnArg };
  static override operations = ['vpn.show', 'vpn.delete'] as const;

  async run(): Promise<void> {
    const { vpn } = (await this.parse(VpnDelete)).args;
    const { name, connections } = await this.client.call('vpn.show', { vpn });
    await this.confirm(`The VPN service ${name} ends${lost(connections)}.`);
    const done = await this.client.call('vpn.delete', { vpn: name });
    warnUntold(this.out, done.untold, name);
    this.out.done(done, `${name} is gone.`);
  }
}

const lost = (connections: number): string => {
  if (connections === 0) return '; it has no connection';
  if (connections === 1) return ', and the configuration of its one connection is of no use any more';
  return `, and the configurations of its ${connections} connections are of no use any more`;
};
