import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, vpnArg } from '../manner/flags.ts';
import { tellWaiting } from '../shown/vpn-waiting.ts';

export default class ConnectionRemove extends BorealisCommand {
  static override summary = 'Remove a connection, at once; its address is given to nobody else.';
  static override examples = ['borealisctl connection remove office ada'];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override operations = ['connection.remove', 'vpn.show'] as const;

  async run(): Promise<void> {
    const { args } = await this.parse(ConnectionRemove);
    await this.confirm(`${args.connection} is shut out of ${args.vpn} for good.`, true);
    const done = await this.client.call('connection.remove', args);
    await tellWaiting(this.client, this.out, args.vpn);
    this.out.done(done, `${args.connection} is gone.`);
  }
}
