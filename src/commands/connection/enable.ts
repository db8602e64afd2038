import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, vpnArg } from '../manner/flags.ts';
import { tellWaiting } from '../shown/vpn-waiting.ts';

export default class ConnectionEnable extends BorealisCommand {
  static override summary = 'Let a connection in again, at once.';
  static override examples = ['borealisctl connection enable office ada'];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override operations = ['connection.enable', 'vpn.show'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(ConnectionEnable);
    const connection = await this.client.call('connection.enable', args);
    await tellWaiting(this.client, this.out, args.vpn);
    this.out.done(connection, `${connection.name} may connect again.`);
  }
}
