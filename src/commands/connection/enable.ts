import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, vpnArg } from '../manner/flags.ts';

export default class ConnectionEnable extends BorealisCommand {
  static override summary = 'Let a connection in again, at once.';
  static override examples = ['borealisctl connection enable office ada'];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override operations = ['connection.enable'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(ConnectionEnable);
    const connection = await this.client.call('connection.enable', args);
    this.out.done(connection, `${connection.name} may connect again.`);
  }
}
