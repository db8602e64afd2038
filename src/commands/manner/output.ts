/** The result on stdout; progress, warnings and hints on stderr. With --json one document, or one a line, and nothing else. */
import { BorealisError, type ErrorCode } from '../../protocol/errors.ts';
import { type Colour, type Painter, painter } from './paint.ts';
import { plainJson, plainLines } from './plain.ts';
import type { Terminal } from './terminal.ts';
import { relative } from './time.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly terminal: Terminal;
}

export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly terminal: Terminal;
  /** For standard output. */
  readonly paint: Painter;
  readonly #paintNote: Painter;
  /** Takes a line of progress away before something is written for good. */
  interlude: () => void = () => {};

  constructor({ json, quiet, terminal }: OutputOptions) {
    this.json = json;
    this.quiet = quiet;
    this.terminal = terminal;
    this.paint = painter(terminal.color.stdout);
    this.#paintNote = painter(terminal.color.stderr);
  }

  /** The one JSON document of a command; indented where a person looks. */
  document(value: unknown): void {
    process.stdout.write(
      `${plainJson(JSON.stringify(value, null, this.terminal.interactive ? 2 : undefined))}\n`,
    );
  }

  /** One of a stream's documents. */
  record(value: unknown): void {
    process.stdout.write(`${plainJson(JSON.stringify(value))}\n`);
  }

  line(text = ''): void {
    process.stdout.write(`${text}\n`);
  }

  lines(texts: readonly string[]): void {
    if (texts.length > 0) process.stdout.write(`${texts.join('\n')}\n`);
  }

  /** As it is, without a line feed of ours. */
  raw(text: string): void {
    process.stdout.write(text);
  }

  /** What a change came to: the document with --json, a sentence for people, which --quiet leaves out. */
  done(value: unknown, sentence: string): void {
    if (this.json) this.document(value);
    else if (!this.quiet) this.line(sentence);
  }

  /** A hint: what to do next, what is being done. */
  note(text: string, colour?: Colour): void {
    if (this.quiet || this.json) return;
    this.interlude();
    process.stderr.write(`${this.#paintNote(colour, text)}\n`);
  }

  warn(text: string): void {
    if (this.json) return;
    this.interlude();
    process.stderr.write(`${this.#paintNote('yellow', 'Warning:')} ${text}\n`);
  }

  /** A moment: how long ago on a terminal, RFC 3339 otherwise. */
  time(moment: string | null): string | null {
    return moment === null || !this.terminal.interactive ? moment : relative(moment, Date.now());
  }

  /** A moment in a card: both. */
  moment(moment: string | null): string | null {
    return moment === null || !this.terminal.interactive
      ? moment
      : `${relative(moment, Date.now())} (${moment.replace(/\.\d{3}Z$/, 'Z')})`;
  }

  fail({ code, message, next, stack }: Failure): void {
    this.interlude();
    if (this.json) this.document({ error: { code, message, next } });
    else {
      process.stderr.write(
        `${this.#paintNote('red', 'Error:')} ${plainLines(message)}\n` +
          `${this.#paintNote('dim', 'Next:')} ${plainLines(next)}\n`,
      );
      if (stack) process.stderr.write(`${stack}\n`);
    }
  }
}

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
  readonly exit: number;
  readonly stack?: string;
}

/** Whatever was thrown, as what is told: mistakes of the command line in our words, faults of ours as such. */
/** `command` is the one that was to run. */
export const failureOf = async (thrown: unknown, command?: string): Promise<Failure> => {
  const error =
    thrown instanceof BorealisError
      ? thrown
      : await (await import('./mistakes.ts')).asBorealisError(thrown, command);
  const { code, next, exit, detail } = error;
  // “The command line is not right.” says nothing that the detail does not.
  const message = code === 'USAGE' && detail ? detail : error.message;
  const stack = process.env.BOREALIS_DEBUG && thrown instanceof Error ? await sourceStack(thrown) : undefined;
  return { code, message, next, exit, ...(stack && { stack }) };
};

const sourceStack = async ({ stack = '' }: Error): Promise<string> =>
  (await import('../../sys/stack.ts')).readableStack(stack);
