/** Passphrases: from a file, from standard input or typed without an echo. Never from the command line. */
import { stat } from 'node:fs/promises';
import { string } from '@oclif/core/flags';
import { BorealisError } from '../../protocol/errors.ts';
import { SHORTEST_PASSPHRASE } from '../../protocol/passphrase.ts';
import { readInput } from './input.ts';
import type { Output } from './output.ts';
import { askSecret } from './prompt.ts';

/** What is longer is some other file. */
const LONGEST_FILE = 4_096;

export const passphraseFlag = string({
  helpValue: 'FILE',
  summary:
    'Read the passphrase from this file, - is standard input (BOREALIS_PASSPHRASE_FILE names one too).',
});

export interface PassphraseSource {
  readonly file: string | undefined;
  readonly out: Output;
  /** Typed twice: nobody could open what is sealed with a slip of the finger. */
  readonly twice: boolean;
}

/** Errors: USAGE where there is none, or nobody to be asked; CANCELLED. */
export const readPassphrase = async ({ file, out, twice }: PassphraseSource): Promise<string> => {
  const named = file ?? (process.env.BOREALIS_PASSPHRASE_FILE || undefined);
  if (named !== undefined) return fromFile(named, out);
  if (!out.terminal.canAsk)
    throw new BorealisError('USAGE', {
      detail: 'A passphrase is needed, and nobody is here to type it.',
      next: 'Name a file that holds it with --passphrase-file or BOREALIS_PASSPHRASE_FILE; - is standard input.',
    });
  const typed = await askSecret('Passphrase: ');
  // Before it is typed again; one that opens a backup may be of any length.
  if (twice && typed.length < SHORTEST_PASSPHRASE)
    throw new BorealisError('USAGE', {
      detail: `That is too short: a passphrase has ${SHORTEST_PASSPHRASE} characters or more.`,
      next: 'Try again with a longer one; several words are good.',
    });
  if (twice && (await askSecret('The same again: ')) !== typed)
    throw new BorealisError('USAGE', { detail: 'That was not the same.', next: 'Try again.' });
  return typed;
};

/** The first line feed at its end belongs to the file, all else to the passphrase. */
const fromFile = async (file: string, out: Output): Promise<string> => {
  if (file !== '-' && process.platform !== 'win32') {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) out.warn(`Others may read ${file}; close it to them with: chmod 0600 ${file}`);
  }
  const content = await readInput(file);
  const name = file === '-' ? 'Standard input' : file;
  if (content.length > LONGEST_FILE)
    throw new BorealisError('USAGE', {
      detail: `${name} is too long to be a passphrase.`,
      next: 'Name another file.',
    });
  const passphrase = content.toString('utf8').replace(/\r?\n$/, '');
  if (passphrase === '')
    throw new BorealisError('USAGE', { detail: `${name} is empty.`, next: 'Put the passphrase there.' });
  return passphrase;
};
