import { hash, randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BorealisError } from '../../protocol/errors.ts';
import { runScriptArgs } from '../../protocol/verb.ts';
import { findInterpreter, type Interpreter, shebangShell } from '../interpreters.ts';
import { runProcess } from './process.ts';
import { defineVerb } from './verb.ts';

const EXTENSION = { shell: 'sh', python: 'py', node: 'mjs', powershell: 'ps1' } as const;

/** A script that the engine stores: its body comes along, and must be what the engine signed when it was added. */
export const runScript = defineVerb({
  name: 'run_script',
  args: runScriptArgs,
  check({ name, language, body, signature }, trust) {
    const signed = trust.script(signature);
    const sha256 = hash('sha256', body, 'hex');
    if (signed.name !== name || signed.language !== language || signed.sha256 !== sha256)
      throw new BorealisError('INVALID_SIGNATURE', {
        detail: `The script ${name} is not the one that was signed.`,
      });
  },
  async run({ language, body, arguments: args }, context) {
    const interpreter = await interpreterFor(language, body, context.environment.PATH ?? '');
    const file = join(context.scriptDirectory, `${randomUUID()}.${EXTENSION[language]}`);
    try {
      await writeFile(file, body, { mode: 0o700, flag: 'wx' });
      return await runProcess(interpreter.path, [...interpreter.args, file, ...args], context);
    } finally {
      await rm(file, { force: true });
    }
  },
});

async function interpreterFor(
  language: keyof typeof EXTENSION,
  body: string,
  path: string,
): Promise<Interpreter> {
  const found =
    (language === 'shell' ? await shebangShell(body, path) : undefined) ??
    (await findInterpreter(language, path));
  if (!found)
    throw new BorealisError('EXEC_FAILED', {
      detail: `No interpreter for ${language} is installed on this device.`,
      next: `Install it there, or use another language.`,
    });
  return found;
}
