import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';

export default class ScriptRemove extends BorealisCommand {
  static override summary = 'Forget a script.';
  static override description = 'Jobs that were started with it keep what they need of it.';
  static override examples = ['borealisctl script remove cleanup'];
  static override args = { script: required('Name of the script.') };
  static override operations = ['script.remove', 'script.show'] as const;

  async run(): Promise<void> {
    const { script } = (await this.parse(ScriptRemove)).args;
    // So that nobody is asked about a script that is not there.
    const { sha256 } = await this.client.call('script.show', { script });
    await this.confirm(`The script ${script} will be forgotten.`, true);
    await this.client.call('script.remove', { script });
    this.out.done({ name: script, sha256 }, `Removed ${script}.`);
  }
}
