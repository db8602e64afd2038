import { option } from '@oclif/core/args';
import { BorealisCommand } from './manner/command.ts';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

export default class Completion extends BorealisCommand {
  static override summary = 'Print the completion script of a shell; it completes names and ids too.';
  static override examples = [
    'source <(borealisctl completion bash)',
    'borealisctl completion zsh > ~/.zfunc/_borealisctl',
    'borealisctl completion fish > ~/.config/fish/completions/borealisctl.fish',
    'borealisctl completion powershell >> $PROFILE',
  ];
  static override args = {
    shell: option({ options: SHELLS })({ required: true, ignoreStdin: true, description: 'The shell.' }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    const [{ describeCommands }, { completionScript }] = await Promise.all([
      import('./local/completion/words.ts'),
      import('./local/completion/script.ts'),
    ]);
    const script = completionScript(args.shell, await describeCommands());
    if (this.out.json) this.out.document({ shell: args.shell, script });
    else this.out.raw(script);
  }
}
