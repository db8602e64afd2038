/**
 * What a shell shows: each byte goes to its recording and to its viewers once, in order. Where bytes are missing, or
 * somebody came late, a screen of the agent goes in their place.
 */
import type { ShellScreen } from '../../protocol/agent-port.ts';
import type { Shell } from '../../protocol/shell.ts';
import type { Recorder } from '../recordings/recorder.ts';
import type { Audience, Size } from './audience.ts';
import type { Connection } from './connection.ts';
import { ScreenRequest } from './screen-request.ts';
import { Title } from './title.ts';

/** Clears the terminal before a screen (RIS). */
const RESET = '\x1bc';

export interface OutputParts {
  readonly connection: Connection;
  readonly audience: Audience;
  /** Of the shell, for those who are shown its screen. */
  readonly present: () => Shell;
}

export class Output {
  /** Null where the setting says that shells are not recorded. */
  recorder: Recorder | null = null;
  readonly #parts: OutputParts;
  readonly #title = new Title();
  readonly #screenRequest = new ScreenRequest();
  /** The recording needs a screen too: bytes were lost. */
  #screenToRecord = false;
  #size: Size;
  /** Bytes that came so far. */
  #received = 0;

  constructor(size: Size, parts: OutputParts) {
    this.#size = size;
    this.#parts = parts;
  }

  get size(): Size {
    return this.#size;
  }

  get title(): string | null {
    return this.#title.text;
  }

  get received(): number {
    return this.#received;
  }

  /** Takes up a recording; output goes on from where it stands. */
  record(recorder: Recorder): void {
    this.recorder = recorder;
    this.#received = recorder.offset;
  }

  /** How many of the bytes were not known already: some are sent again after an interruption. */
  push(offset: number, bytes: Buffer): number {
    const known = this.#received - offset;
    if (known >= bytes.length) return 0;
    if (known < 0) this.skipTo(offset);
    const fresh = known > 0 ? bytes.subarray(known) : bytes;
    this.#received += fresh.length;
    // Somebody waits for an echo; the recording takes the same bytes before anything else happens.
    this.#parts.audience.show(fresh);
    if (this.recorder) this.recorder.output(fresh);
    else this.#parts.connection.link?.ack(this.#received);
    this.#title.push(fresh);
    return fresh.length;
  }

  /** Output before `offset` is lost: the recording says so, and everybody sees the screen anew. */
  skipTo(offset: number): void {
    if (offset <= this.#received) return;
    this.recorder?.skip(offset - this.#received);
    this.#received = offset;
    this.#screenToRecord = this.recorder !== null;
    this.#parts.audience.restart();
    this.askScreen();
  }

  resized({ cols, rows }: Size): void {
    if (cols === this.#size.cols && rows === this.#size.rows) return;
    this.#size = { cols, rows };
    this.recorder?.resized(cols, rows);
    this.#parts.audience.resized({ cols, rows });
  }

  /** Of the connection that there was, none comes any more. */
  forgetScreen(): void {
    this.#screenRequest.forget();
  }

  /** If anybody needs one. */
  askScreen(): void {
    const { connection, audience } = this.#parts;
    if (!connection.link || (!audience.blind && !this.#screenToRecord)) return;
    const id = this.#screenRequest.ask();
    if (id !== undefined) connection.link.screen(id);
  }

  screen(part: ShellScreen): void {
    const { audience, present } = this.#parts;
    const whole = this.#screenRequest.take(part);
    if (whole === undefined) return;
    this.resized(part);
    if (this.#screenToRecord) this.recorder?.shown(RESET + whole);
    this.#screenToRecord = false;
    const shell = present();
    audience.screen(Buffer.from(whole, 'utf8'), ({ readOnly }) => ({
      type: 'attached',
      shell,
      read_only: readOnly,
    }));
  }
}
