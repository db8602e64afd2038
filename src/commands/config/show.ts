import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { leftOut, settingList } from '../shown/setting.ts';

export default class ConfigShow extends BorealisCommand {
  static override summary = 'Show every setting, its value in force and where that came from.';
  static override examples = ['borealisctl config show', 'borealisctl config show --output yaml'];
  static override flags = { output: outputFlag, watch: watchFlag };
  static override operations = ['config.show'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigShow);
    const fetch = () => this.client.call('config.show', {});
    const view = settingList(this.out);
    if (flags.watch) return this.watchList(fetch, view, ['config.changed']);
    await this.list(await fetch(), view, flags.output);
    const missing = leftOut(this.out);
    if (missing && (flags.output ?? 'table') === 'table') this.out.note(missing, 'dim');
  }
}
