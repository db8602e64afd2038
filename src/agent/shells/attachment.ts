/**
 * An engine's connection to a shell: output from an offset on, never more than SHELL_WINDOW_BYTES beyond what was
 * acknowledged; screens, sizes and typed text in their places between.
 */
import {
  FROM_AGENT_PORT,
  SHELL_WINDOW_BYTES,
  type ShellExit,
  type ShellScreen,
} from '../../protocol/agent-port.ts';
import { encodeFrame, encodeJsonFrame, encodeOutput } from '../../protocol/agent-port-codec.ts';
import type { PortConnection } from '../port/connection.ts';
import type { TerminalSize } from './pty.ts';
import type { OutputRing } from './ring.ts';

/** Most bytes of one OUTPUT frame. */
const CHUNK_BYTES = 65_536;
/** A character takes six bytes of JSON at most, and a frame has a megabyte. */
const SCREEN_PART_CHARACTERS = 160_000;

interface Mark {
  readonly offset: number;
  /** Undefined while it is not known yet: nothing that comes after it is sent before. */
  frames: readonly Buffer[] | undefined;
}

export class Attachment {
  readonly connection: PortConnection;
  readonly #ring: OutputRing;
  readonly #marks: Mark[] = [];
  #sent: number;
  #acked: number;
  #exit: ShellExit | undefined;
  #later: NodeJS.Immediate | undefined;
  /** Nothing is sent before `start`: first everything that has its place in what was printed already is marked. */
  #over = true;

  /** `offset`: within the ring. */
  constructor(connection: PortConnection, ring: OutputRing, offset: number) {
    this.connection = connection;
    this.#ring = ring;
    this.#sent = offset;
    this.#acked = offset;
  }

  get acked(): number {
    return this.#acked;
  }

  /** Whether the engine is as far behind as it may be: the program had better wait. */
  get full(): boolean {
    return !this.#over && this.#ring.end - this.#acked >= SHELL_WINDOW_BYTES;
  }

  start(): void {
    this.#over = false;
    this.#send();
  }

  /** More output. The first is sent at once, what comes in the same turn of the event loop after it in one frame. */
  output(): void {
    if (this.#later) return;
    this.#send();
    this.#later = setImmediate(() => {
      this.#later = undefined;
      this.#send();
    });
  }

  ack(offset: number): void {
    this.#acked = Math.min(Math.max(this.#acked, offset), this.#sent);
    this.#send();
  }

  /** At `offset` of the output, which is not sent yet. */
  resized(offset: number, { cols, rows }: TerminalSize): void {
    const frame = encodeJsonFrame(FROM_AGENT_PORT.RESIZED, { offset, cols, rows });
    this.#mark({ offset, frames: [frame] });
  }

  typed(bytes: Uint8Array): void {
    this.#mark({ offset: this.#ring.end, frames: [encodeFrame(FROM_AGENT_PORT.TYPED, bytes)] });
  }

  /** Keeps its place now for a screen; the function fills it. */
  screen(id: number, { cols, rows }: TerminalSize): (data: string) => void {
    const mark: Mark = { offset: this.#ring.end, frames: undefined };
    this.#mark(mark);
    return (data) => {
      mark.frames = partsOf(data).map((part, index, parts) =>
        encodeJsonFrame(FROM_AGENT_PORT.SCREEN, {
          id,
          offset: mark.offset,
          cols,
          rows,
          data: part,
          last: index === parts.length - 1,
        } satisfies ShellScreen),
      );
      this.#send();
    };
  }

  exit(exit: ShellExit): void {
    this.#exit = exit;
    this.#send();
  }

  /** Sends nothing more; the connection is its owner's to end. */
  close(): void {
    this.#over = true;
    clearImmediate(this.#later);
  }

  #mark(mark: Mark): void {
    this.#marks.push(mark);
    this.#send();
  }

  #send(): void {
    while (!this.#over && (this.#sendMark() || this.#sendOutput()));
    if (this.#over || !this.#exit || this.#sent < this.#ring.end || this.#marks.length > 0) return;
    this.connection.send(encodeJsonFrame(FROM_AGENT_PORT.EXIT, this.#exit));
    this.connection.end();
    this.#exit = undefined;
  }

  /** True where one was sent. */
  #sendMark(): boolean {
    const mark = this.#marks[0];
    if (!mark?.frames || mark.offset > this.#sent) return false;
    this.#marks.shift();
    for (const frame of mark.frames) this.connection.send(frame);
    return true;
  }

  #sendOutput(): boolean {
    const until = Math.min(
      this.#ring.end,
      this.#acked + SHELL_WINDOW_BYTES,
      this.#marks[0]?.offset ?? Number.POSITIVE_INFINITY,
    );
    if (this.#sent >= until) return false;
    const bytes = this.#ring.read(this.#sent, Math.min(CHUNK_BYTES, until - this.#sent));
    this.connection.send(encodeOutput(this.#sent, bytes));
    this.#sent += bytes.length;
    return true;
  }
}

function partsOf(data: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at === 0 || at < data.length; at += SCREEN_PART_CHARACTERS)
    parts.push(data.slice(at, at + SCREEN_PART_CHARACTERS));
  return parts;
}
