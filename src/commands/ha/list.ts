import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { haEvents, haList } from '../shown/ha.ts';

export default class HaList extends BorealisCommand {
  static override summary = 'List the pairs of devices that share an address, by VPN service.';
  static override examples = ['borealisctl ha list', 'borealisctl ha list --watch'];
  static override flags = { output: outputFlag, watch: watchFlag };
  static override operations = ['ha.list'] as const;

  async run(): Promise<void> {
    const { output, watch } = (await this.parse(HaList)).flags;
    const fetch = () => this.client.call('ha.list', {});
    if (watch) return this.watchList(fetch, haList(this.out), haEvents);
    await this.list(await fetch(), haList(this.out), output);
  }
}
