import { BorealisCommand } from '../manner/command.ts';
import { connectionArg, vpnArg, watchFlag } from '../manner/flags.ts';
import { connectionCard, vpnEvents } from '../shown/vpn.ts';

export default class ConnectionShow extends BorealisCommand {
  static override summary = 'Show a connection: what it may reach, and what it carried.';
  static override examples = ['borealisctl connection show office ada'];
  static override args = { vpn: vpnArg, connection: connectionArg };
  static override flags = { watch: watchFlag };
  static override operations = ['connection.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConnectionShow);
    const fetch = () => this.client.call('connection.show', args);
    await this.show(
      fetch,
      (connection) => connectionCard(this.out, connection),
      flags.watch ? vpnEvents : undefined,
    );
  }
}
