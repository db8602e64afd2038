import { boolean, option, string } from '@oclif/core/flags';
import { BorealisCommand } from '../manner/command.ts';
import { required } from '../manner/flags.ts';
import { readInput } from '../manner/input.ts';
import { bytes } from '../manner/size.ts';
import { LANGUAGES, languageOf, nameOf, textOf } from '../shown/script.ts';

export default class ScriptAdd extends BorealisCommand {
  static override summary = 'Store a script with the engine, signed, to be run by name.';
  static override description =
    'Its language is told by the extension of the file (.sh, .py, .js, .ps1) or by its first line. ' +
    'A script of the same name and other content is left alone unless --replace is given.';
  static override examples = [
    'borealisctl script add cleanup.sh',
    'borealisctl script add report.py --name weekly-report --description "Disk report" --replace',
    'borealisctl script add - --name hello --language shell < hello',
  ];
  static override args = { file: required('The file; - is standard input.') };
  static override flags = {
    name: string({ helpValue: 'NAME', summary: "Its name; the file's without extension unless told." }),
    language: option({ options: LANGUAGES, helpValue: LANGUAGES.join('|'), summary: 'Its language.' })(),
    description: string({ helpValue: 'TEXT', summary: 'What it is for.' }),
    replace: boolean({ summary: 'Take the place of the script of that name.' }),
  };
  static override operations = ['script.add'] as const;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ScriptAdd);
    const { name = nameOf(args.file), description, replace } = flags;
    const body = textOf(args.file, await readInput(args.file));
    const language = flags.language ?? languageOf(args.file, body);
    const input = { name, language, body, replace, ...(description !== undefined && { description }) };
    const script = await this.client.call('script.add', input);
    this.out.done(
      script,
      `Stored ${script.name} (${script.language}, ${bytes(script.size)}, SHA-256 ${script.sha256.slice(0, 12)}…).`,
    );
    this.out.note(`Run it: borealisctl script run ${script.name} DEVICE`);
  }
}
