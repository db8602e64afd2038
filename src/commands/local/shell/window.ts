/**
 * The terminal that a person sits at, lent to a program elsewhere: every key goes there as it is, and whatever becomes of
 * us, the terminal is given back as it was.
 */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import type { ReadStream, WriteStream } from 'node:tty';
import { passOutput } from '../../../sys/raw-output.ts';
import { writeAtOnce } from '../../../sys/write-at-once.ts';
import { shorten } from '../../manner/text.ts';
import { ShownState } from './shown-state.ts';

export interface WindowSize {
  readonly cols: number;
  readonly rows: number;
}

export interface WindowEars {
  typed(bytes: Buffer): void;
  resized(size: WindowSize): void;
  /** What was shown may be gone: the process had been stopped. */
  continued(): void;
  /** The terminal is gone, or somebody asked the process to end. */
  ended(signal: NodeJS.Signals): void;
}

type Output = WriteStream & { readonly fd: number };

/** Pieces that may wait to be read along. */
const MANY = 64;
/** The protocol takes no larger terminal. */
const LARGEST = 1_000;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const satisfies NodeJS.Signals[];

export const exitOfSignal = (signal: NodeJS.Signals | string): number =>
  128 + ((constants.signals as Readonly<Record<string, number>>)[signal] ?? 0);

export class TerminalWindow {
  readonly #state = new ShownState();
  /** What was shown and is not read along in the state yet. */
  readonly #unread: Uint8Array[] = [];
  readonly #input: ReadStream;
  readonly #output: Output;
  readonly #undo: (() => void)[] = [];
  #open = false;
  #gone = false;

  constructor(input: ReadStream = process.stdin, output: Output = process.stdout) {
    this.#input = input;
    this.#output = output;
  }

  /** Of all that was shown. */
  get state(): ShownState {
    this.#readAlong();
    return this.#state;
  }

  #readAlong(): void {
    for (const bytes of this.#unread) this.#state.push(bytes);
    this.#unread.length = 0;
  }

  get size(): WindowSize {
    const within = (value: number | undefined, usual: number): number =>
      Math.min(LARGEST, Math.max(1, value || usual));
    return { cols: within(this.#output.columns, 80), rows: within(this.#output.rows, 24) };
  }

  /** From here on the terminal is not the user's shell's. */
  open(ears: WindowEars): void {
    this.#open = true;
    const listen = (target: NodeJS.EventEmitter, event: string, heard: (...args: never[]) => void): void => {
      target.on(event, heard as (...args: unknown[]) => void);
      this.#undo.push(() => void target.off(event, heard as (...args: unknown[]) => void));
    };
    const gone = (): void => {
      this.#gone = true;
      ears.ended('SIGHUP');
    };
    // Also where something of ours fails unexpectedly.
    listen(process, 'exit', () => this.close());
    for (const signal of ENDING) listen(process, signal, () => ears.ended(signal));
    listen(process, 'SIGCONT', () => {
      // The shell that stopped us has set its own modes meanwhile.
      this.#raw(false);
      this.#raw(true);
      ears.continued();
    });
    if (this.#input.isTTY) {
      listen(this.#input, 'data', (chunk: Buffer) => ears.typed(chunk));
      listen(this.#input, 'end', gone);
      listen(this.#input, 'error', gone);
    }
    listen(this.#output, 'error', gone);
    listen(this.#output, 'resize', () => ears.resized(this.size));
    this.#raw(true);
    if (this.#input.isTTY) this.#input.resume();
    // The title comes back too, where the terminal keeps one for that.
    this.#output.write('\u001b[22;0t');
  }

  #raw(on: boolean): void {
    if (this.#gone || !this.#input.isTTY) return;
    this.#input.setRawMode(on);
    if (on) passOutput(this.#output.fd);
  }

  pauseTyping(): void {
    this.#input.pause();
  }

  resumeTyping(): void {
    if (this.#open) this.#input.resume();
  }

  /** Output of the program. Resolves when the terminal has taken it. */
  async show(bytes: Uint8Array): Promise<void> {
    this.state.push(bytes);
    await this.#write(bytes);
  }

  /** The same where the terminal is not behind, else false: `show` waits for it. */
  showAtOnce(bytes: Uint8Array): boolean {
    if (this.#gone || this.#output.writableLength > 0) return false;
    writeAtOnce(this.#output, bytes);
    this.#unread.push(bytes);
    // An echo waits for none of it, and nothing waits for long.
    if (this.#unread.length >= MANY) this.#readAlong();
    return true;
  }

  /** An empty terminal of which nothing is set. What is read on it moves up, to be scrolled back to, where `keep`. */
  async clear(keep: boolean): Promise<void> {
    const away = keep ? `\u001b[${this.size.rows};1H${'\n'.repeat(this.size.rows)}` : '';
    await this.#write(`${this.state.undo()}${away}\u001b[H\u001b[2J`);
  }

  /** A line over the last one, until the screen is drawn anew: what it covers is not kept. */
  async note(text: string): Promise<void> {
    const { cols, rows } = this.size;
    const line = shorten(text, Math.max(1, cols - 1));
    const before = this.state.settled ? '' : '\u0018';
    await this.#write(`${before}\u001b7\u001b[${rows};1H\u001b[0;7m${line}\u001b[K\u001b[0m\u001b8`);
  }

  title(text: string): void {
    // Between sequences only; the next one says as much.
    if (this.state.settled) this.#output.write(`\u001b]2;${text}\u0007`);
  }

  bell(): void {
    if (this.state.settled) this.#output.write('\u0007');
  }

  async #write(data: string | Uint8Array): Promise<void> {
    if (this.#gone || this.#output.write(data)) return;
    await new Promise<void>((resolve) => {
      this.#output.once('drain', resolve);
      this.#output.once('error', () => resolve());
    });
  }

  /** Gives the terminal back. May be called again, and while the process ends. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const undo of this.#undo.splice(0)) undo();
    this.#input.pause();
    if (this.#gone) return;
    try {
      // At once: the process may be at its end, where nothing else is written any more.
      writeSync(this.#output.fd, `${this.state.undo()}\u001b[23;0t`);
      this.#raw(false);
    } catch {
      // The terminal is gone; there is nothing to give back.
    }
  }
}
