import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, vpnArg } from '../manner/flags.ts';
import { tellWaiting } from '../shown/vpn-waiting.ts';

export default class ConnectionDisable extends BorealisCommand {
  static override summary = 'Shut a connection out, at once, until it is enabled.';
  static override examples = ['borealisctl connection disable office ada'];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override operations = ['connection.disable', 'vpn.show'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(ConnectionDisable);
    const connection = await this.client.call('connection.disable', args);
    await tellWaiting(this.client, this.out, args.vpn);
    this.out.done(connection, `${connection.name} is shut out.`);
  }
}
