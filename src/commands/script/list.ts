import { BorealisCommand } from '../manner/command.ts';
import { outputFlag, watchFlag } from '../manner/flags.ts';
import { scriptList } from '../shown/script.ts';

export default class ScriptList extends BorealisCommand {
  static override summary = 'List scripts, by name.';
  static override examples = ['borealisctl script list', 'borealisctl script list --output name'];
  static override flags = { output: outputFlag, watch: watchFlag };
  static override operations = ['script.list'] as const;

  async run(): Promise<void> {
    const { flags } = await this.parse(ScriptList);
    const fetch = () => this.client.call('script.list', {});
    const view = scriptList(this.out);
    if (flags.watch) return this.watchList(fetch, view, ['script.changed']);
    await this.list(await fetch(), view, flags.output);
  }
}
