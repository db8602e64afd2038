import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BorealisCommand } from '../manner/command.ts';
import { optional } from '../manner/flags.ts';
import { findState } from '../manner/program.ts';
import { plural } from '../manner/size.ts';

export default class ConfigCheck extends BorealisCommand {
  static override summary =
    'Check a configuration file, and name line and key of each mistake; the engine need not run.';
  static override examples = [
    'borealisctl config check',
    'borealisctl config check /etc/borealis/borealisd.toml',
  ];
  static override args = {
    file: optional({ description: "The file; borealisd.toml in the engine's state directory unless told." }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(ConfigCheck);
    const file =
      args.file ?? (process.env.BOREALIS_CONFIG || join(findState(undefined, process.env), 'borealisd.toml'));
    // Its schema is large; no other command needs it.
    const [{ checkConfig }, { describeProblem }] = await Promise.all([
      import('../../config/file.ts'),
      import('../../config/load.ts'),
    ]);
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' && args.file === undefined) return '';
      throw error;
    });
    const { problems, values } = checkConfig(text);
    const valid = problems.length === 0;
    if (!valid) process.exitCode = 2;
    if (this.out.json)
      return this.out.document({ file, valid, settings: Object.keys(values).length, problems });
    if (valid) return this.out.line(`${file} is right: ${plural(Object.keys(values).length, 'setting')}.`);
    this.out.lines(
      problems.map((problem) => `${this.out.paint('red', '✗')} ${describeProblem(problem, file)}`),
    );
    this.out.note(`${plural(problems.length, 'mistake')}. What there is to set: borealisctl config show`);
  }
}
