import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BorealisCommand } from '../manner/command.ts';
import { optional } from '../manner/flags.ts';
import { findState } from '../manner/program.ts';
import { plural } from '../manner/size.ts';
import { quoteForShell } from '../manner/words.ts';

export default class ConfigCheck extends BorealisCommand {
  static override summary =
    'Check a configuration file and this environment for mistakes; the engine need not run.';
  static override examples = [
    'borealisctl config check',
    'borealisctl config check /etc/borealis/borealisd.toml',
  ];
  static override args = {
    file: optional({ description: "The file; borealisd.toml in the engine's state directory unless told." }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(ConfigCheck);
    const named = args.file ?? (process.env.BOREALIS_CONFIG || undefined);
    const file = named ?? join(findState(undefined, process.env), 'borealisd.toml');
    // Its schema is large; no other command needs it.
    const [{ checkConfig }, { describeProblem }, { unknownVariables }] = await Promise.all([
      import('../../config/file.ts'),
      import('../../config/load.ts'),
      import('../../config/environment.ts'),
    ]);
    const found = await readConfig(file).catch((error: NodeJS.ErrnoException) => {
      // The usual one need not be there; one that was named must, or the engine does not start.
      if (error.code === 'ENOENT' && named === undefined) return undefined;
      throw error;
    });
    const { problems: mistakes, values } = checkConfig(found?.text ?? '');
    const problems = [...(found?.open ? [openTo(file)] : []), ...mistakes, ...unknownVariables(process.env)];
    const valid = problems.length === 0;
    if (!valid) process.exitCode = 2;
    if (this.out.json)
      return this.out.document({ file, valid, settings: Object.keys(values).length, problems });
    if (!found) this.out.line(`There is no ${file}: every setting has its default.`);
    else if (valid) this.out.line(`${file} is right: ${plural(Object.keys(values).length, 'setting')}.`);
    if (valid) return;
    this.out.lines(
      problems.map((problem) => `${this.out.paint('red', '✗')} ${describeProblem(problem, file)}`),
    );
    this.out.note(`${plural(problems.length, 'mistake')}. What there is to set: borealisctl config show`);
  }
}

/** The engine believes no file that everybody can change (sys/trusted-file.ts). */
const openTo = (file: string) => ({
  line: null,
  key: null,
  message: `everybody can change ${file}, so the engine does not take it; as its owner: chmod o-w ${quoteForShell(file)}`,
  nearest: null,
});

const readConfig = async (path: string): Promise<{ text: string; open: boolean }> => {
  const file = await open(path);
  try {
    const { mode } = await file.stat();
    return { text: await file.readFile('utf8'), open: (mode & 0o002) !== 0 };
  } finally {
    await file.close();
  }
};
