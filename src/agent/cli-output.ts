/** What a person or a script reads: results on stdout, progress on stderr, errors with the way out. */
import { BorealisError } from '../protocol/errors.ts';
import { stateError } from '../sys/state-errors.ts';

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): unknown; readonly columns?: number };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stdin: AsyncIterable<Buffer | string> & { readonly isTTY?: boolean };
}

export const printJson = ({ stdout }: Terminal, value: object): void => {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
};

/** Aligned `name  value` lines; what is null is left out. */
export const printFacts = ({ stdout }: Terminal, facts: Readonly<Record<string, string | null>>): void => {
  const shown = Object.entries(facts).filter(([, value]) => value !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) stdout.write(`${name.padEnd(width)}  ${plain(value ?? '')}\n`);
};

/** What an engine says of itself, or of us, is not to be obeyed by this terminal. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');

/** RFC 3339 as it is, without fractions of a second: a person reads it. */
export const moment = (time: string): string => time.replace(/\.\d+(?=Z$)/, '');

/** Says what went wrong and what to do next; the exit code is the error's own. */
export function printError(terminal: Terminal, error: unknown, json: boolean): number {
  const known = error instanceof BorealisError ? error : (stateError(error) ?? unexpected(error));
  if (json) printJson(terminal, { error: { code: known.code, message: known.message, next: known.next } });
  else terminal.stderr.write(`Error: ${plain(known.message)}\nNext: ${plain(known.next)}\n`);
  return known.exit;
}

const unexpected = (error: unknown): BorealisError =>
  new BorealisError('INTERNAL', {
    detail: error instanceof Error ? `${error.name}: ${error.message}.` : String(error),
    next: "See the agent's log; please report it.",
    cause: error,
  });
