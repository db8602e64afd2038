/**
 * The terminal as a device: raw mode, the alternate screen, the mouse, what it sends and what is sent to it. It can be
 * lent to somebody else (a shell on a device) and taken back. Whatever ends the process, the terminal is as it was.
 */
import { StringDecoder } from 'node:string_decoder';
import type { ReadStream, WriteStream } from 'node:tty';
import { type Input, KeyParser } from './keys.ts';

/** A sequence that comes in pieces over a slow line comes in one within this time. */
const ESCAPE_MS = 40;
const ENTER =
  // Alternate screen; no line wrap, so that the last column can be written; bracketed paste.
  '\u001b[?1049h\u001b[?7l\u001b[?2004h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?2004l\u001b[?7h\u001b[0m\u001b[?25h\u001b[?1049l';
const MOUSE_ON = '\u001b[?1000h\u001b[?1006h';
const MOUSE_OFF = '\u001b[?1006l\u001b[?1000l';
/** xterm: what is the background? Terminals that do not know it say nothing. */
const ASK_BACKGROUND = '\u001b]11;?\u0007';

export interface DeviceEvents {
  readonly input: (input: Input) => void;
  readonly resize: () => void;
}

export class TerminalDevice {
  readonly #stdin: ReadStream;
  readonly #stdout: WriteStream;
  readonly #mouse: boolean;
  /** Lines only: no other screen, no cursor that is placed. */
  readonly #plain: boolean;
  #events: DeviceEvents | undefined;
  #parser = new KeyParser();
  #decoder = new StringDecoder('utf8');
  #escape: NodeJS.Timeout | undefined;
  #held = false;
  /** The window was closed: nothing can be written or set any more. */
  #gone = false;
  /** Has what the terminal sends as it comes, in place of `input`. */
  divert: ((chunk: Buffer) => void) | undefined;
  /** Bytes written since the start, for whoever measures. */
  written = 0;

  constructor(
    stdin: ReadStream,
    stdout: WriteStream,
    { mouse, plain = false }: { readonly mouse: boolean; readonly plain?: boolean },
  ) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#mouse = mouse && !plain;
    this.#plain = plain;
  }

  get columns(): number {
    return this.#stdout.columns || 80;
  }

  get rows(): number {
    return this.#stdout.rows || 24;
  }

  /** More is waiting to be sent than the line takes: a frame now would only be late. */
  get congested(): boolean {
    return this.#stdout.writableNeedDrain;
  }

  start(events: DeviceEvents): void {
    this.#events = events;
    // Heard to the end of the process: what is written last may be answered with an error later.
    for (const stream of [this.#stdin, this.#stdout])
      stream.on('error', () => {
        this.#gone = true;
      });
    this.take();
    if (!this.#plain) this.write(ASK_BACKGROUND);
    this.#stdout.on('resize', this.#resized);
    process.on('exit', this.#left);
  }

  close(): void {
    this.release();
    this.#stdout.off('resize', this.#resized);
    process.off('exit', this.#left);
    this.#stdin.pause();
  }

  /** Takes the whole screen and every key. */
  take(): void {
    if (this.#held) return;
    this.#held = true;
    this.#stdin.setRawMode(true);
    this.#stdin.on('data', this.#heard);
    this.#stdin.resume();
    if (!this.#plain) this.write(ENTER + (this.#mouse ? MOUSE_ON : ''));
  }

  /** Gives it back as it was, or to whoever comes next. */
  release(): void {
    if (!this.#held) return;
    if (!this.#plain) this.write((this.#mouse ? MOUSE_OFF : '') + LEAVE);
    this.#held = false;
    clearTimeout(this.#escape);
    this.#stdin.off('data', this.#heard);
    if (!this.#gone) this.#stdin.setRawMode(false);
    this.#stdin.pause();
  }

  write(text: string): void {
    if (text === '' || !this.#held || this.#gone) return;
    this.written += Buffer.byteLength(text);
    this.#stdout.write(text);
  }

  drained(then: () => void): void {
    this.#stdout.once('drain', then);
  }

  #heard = (chunk: Buffer) => {
    clearTimeout(this.#escape);
    if (this.divert) return this.divert(chunk);
    this.#tell(this.#parser.feed(this.#decoder.write(chunk)));
    if (this.#parser.waits) this.#escape = setTimeout(() => this.#tell(this.#parser.flush()), ESCAPE_MS);
  };

  #tell(inputs: readonly Input[]): void {
    for (const input of inputs) this.#events?.input(input);
  }

  #resized = (): void => this.#events?.resize();

  /** Too late for anything that waits: written at once. */
  #left = (): void => {
    if (this.#held && !this.#plain && !this.#gone) this.#stdout.write((this.#mouse ? MOUSE_OFF : '') + LEAVE);
  };
}
