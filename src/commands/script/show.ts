import { boolean } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { required, watchFlag } from '../manner/flags.ts';
import { plainLines } from '../manner/text.ts';
import { scriptCard } from '../shown/script.ts';

export default class ScriptShow extends BorealisCommand {
  static override summary = 'Show a script.';
  static override examples = [
    'borealisctl script show cleanup',
    'borealisctl script show cleanup --body > cleanup.sh',
  ];
  static override args = { script: required('Name of the script.') };
  static override flags = {
    body: boolean({ summary: 'Only the script itself, exactly as it is stored.' }),
    watch: watchFlag,
  };
  static override operations = ['script.show'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ScriptShow);
    const fetch = () => this.client.call('script.show', { script: args.script });
    if (flags.body && !this.out.json) return this.out.raw((await fetch()).body);
    await this.show(
      fetch,
      (script) => [
        ...scriptCard(this.out, script),
        '',
        ...plainLines(script.body.replace(/\n$/, '')).split('\n'),
      ],
      flags.watch ? ['script.changed'] : undefined,
    );
  }
}
