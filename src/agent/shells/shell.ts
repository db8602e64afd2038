/** One shell: its terminal, its last output, its screen, and the one connection that it is served on, if there is one. */
import {
  SHELL_KEPT_BYTES,
  type ShellExit,
  type ShellOpened,
  TO_AGENT_PORT,
} from '../../protocol/agent-port.ts';
import { type AgentPortFrame, decodeToShell } from '../../protocol/agent-port-codec.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { AgentLog } from '../log.ts';
import type { PortConnection } from '../port/connection.ts';
import { Attachment } from './attachment.ts';
import { openPty, type Pty, type PtyExit, type PtyOptions, type TerminalSize } from './pty.ts';
import { OutputRing } from './ring.ts';
import { openScreen } from './screen.ts';
import { ScreenFeed } from './screen-feed.ts';

/** The screen may be this far behind; then the program waits for it. Together with one chunk less than the ring. */
const SCREEN_BEHIND_BYTES = SHELL_KEPT_BYTES / 2;
/** Typed bytes that the program has not read; more are not taken from the connection meanwhile. */
const UNREAD_INPUT_BYTES = 1_048_576;
const INPUT_AGAIN_MS = 20;
/** Sizes that are remembered for output that may have to be sent again. */
const SIZES_KEPT = 1_000;

export interface ShellOptions {
  readonly id: string;
  /** The account. */
  readonly user: string;
  readonly recordInput: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly program: Omit<PtyOptions, 'onOutput' | 'onEnd'>;
  readonly log: AgentLog;
  /** Once: the program has ended, and all of its output is in the ring. */
  readonly onExit: (shell: Shell) => void;
}

interface SizeFrom extends TerminalSize {
  /** Of the output. */
  readonly offset: number;
}

export class Shell {
  readonly id: string;
  readonly #options: ShellOptions;
  readonly #ring = new OutputRing(SHELL_KEPT_BYTES);
  readonly #feed: ScreenFeed;
  #pty: Pty | undefined;
  #sizes: SizeFrom[];
  #attachment: Attachment | undefined;
  #acked = 0;
  #exit: ShellExit | null = null;

  constructor(options: ShellOptions) {
    const { size } = options.program;
    this.#options = options;
    this.id = options.id;
    this.#sizes = [{ offset: 0, cols: size.cols, rows: size.rows }];
    this.#feed = new ScreenFeed({
      ring: this.#ring,
      screen: openScreen(size),
      onProgress: () => this.#flow(),
      onTrouble: (error) =>
        options.log.warn({ err: error, shell: this.id }, 'a screen is not exact any more'),
    });
  }

  get exit(): ShellExit | null {
    return this.#exit;
  }

  /** Bytes of output so far. */
  get offset(): number {
    return this.#ring.end;
  }

  /** Nothing of it is needed any more. */
  get settled(): boolean {
    return this.#exit !== null && this.#acked >= this.#exit.offset;
  }

  /** Errors: EXEC_FAILED, UNSUPPORTED_PLATFORM. */
  async start(): Promise<void> {
    this.#pty = await openPty({
      ...this.#options.program,
      onOutput: (bytes) => this.#output(bytes),
      onEnd: (exit) => this.#ended(exit),
    });
  }

  /**
   * Serves it on a connection, instead of another that may still be there. Resolves when that is over. Rejects with what
   * breaks the connection. Errors: VALIDATION_FAILED for an offset that was never reached.
   */
  async serve(connection: PortConnection, offset: number): Promise<void> {
    if (offset > this.#ring.end)
      throw new BorealisError('VALIDATION_FAILED', { detail: 'The shell has not printed that much.' });
    this.#replace();
    const from = Math.max(offset, this.#ring.start);
    const attachment = new Attachment(connection, this.#ring, from);
    this.#attachment = attachment;
    connection.opened(this.#opened(from));
    for (const size of this.#sizes) if (size.offset > from) attachment.resized(size.offset, size);
    if (this.#exit) attachment.exit(this.#exit);
    attachment.start();
    this.#flow();
    try {
      await connection.receive((frame) => this.#hear(attachment, frame));
    } finally {
      attachment.close();
      if (this.#attachment === attachment) this.#attachment = undefined;
      this.#flow();
    }
  }

  signal(signal: 'SIGHUP' | 'SIGTERM' | 'SIGKILL'): void {
    this.#pty?.signal(signal);
  }

  /** Lets go of memory and terminal. */
  close(): void {
    this.#replace();
    this.#feed.close();
    this.#pty?.close();
  }

  #replace(): void {
    this.#attachment?.close();
    this.#attachment?.connection.destroy();
    this.#attachment = undefined;
  }

  #opened(offset: number): ShellOpened {
    const { id, user, startedAt } = this.#options;
    const size = this.#sizes.findLast((one) => one.offset <= offset) ?? this.#sizes[0]!;
    const { cols, rows } = size;
    return { shell_id: id, pid: this.#pty?.pid ?? 0, user, cols, rows, offset, started_at: startedAt };
  }

  #output(bytes: Uint8Array): void {
    this.#ring.append(bytes);
    this.#attachment?.output();
    this.#feed.poke();
    this.#flow();
  }

  #ended({ exitCode, signal }: PtyExit): void {
    this.#exit = { offset: this.#ring.end, exit_code: exitCode, signal };
    this.#attachment?.exit(this.#exit);
    this.#options.onExit(this);
  }

  /** Holds the program up while engine or screen are too far behind it. */
  #flow(): void {
    if (this.#attachment?.full || this.#feed.behind >= SCREEN_BEHIND_BYTES) this.#pty?.pause();
    else this.#pty?.resume();
  }

  #hear(attachment: Attachment, frame: AgentPortFrame): void {
    if (attachment !== this.#attachment) return;
    // A key: nothing of it is to be decoded.
    if (frame.kind === TO_AGENT_PORT.INPUT) return void this.#type(attachment, frame.payload);
    const said = decodeToShell(frame);
    switch (said.type) {
      case 'RESIZE':
        this.#resize(attachment, said);
        break;
      case 'ACK':
        this.#acknowledge(attachment, said.offset);
        break;
      case 'SCREEN':
        this.#feed.serialize(attachment.screen(said.id, this.#sizes.at(-1)!));
        break;
      case 'KILL':
        this.signal(said.signal);
    }
  }

  #type(attachment: Attachment, bytes: Buffer): void {
    const pty = this.#pty;
    if (!pty || this.#exit) return;
    // Asked at the moment at which it is typed; whatever is not certain counts as a password.
    if (this.#options.recordInput && pty.echoes() === true) attachment.typed(bytes);
    pty.write(bytes);
    if (pty.unwritten < UNREAD_INPUT_BYTES) return;
    attachment.connection.pause();
    const look = setInterval(() => {
      if (pty.unwritten >= UNREAD_INPUT_BYTES && !attachment.connection.closed) return;
      clearInterval(look);
      attachment.connection.resume();
    }, INPUT_AGAIN_MS);
  }

  #resize(attachment: Attachment, { cols, rows }: TerminalSize): void {
    const size = { offset: this.#ring.end, cols, rows };
    if (!this.#exit) this.#pty?.resize(size);
    this.#feed.resize(size);
    if (this.#sizes.at(-1)!.offset === size.offset) this.#sizes.pop();
    this.#sizes.push(size);
    if (this.#sizes.length > SIZES_KEPT) this.#sizes.shift();
    attachment.resized(size.offset, size);
  }

  #acknowledge(attachment: Attachment, offset: number): void {
    attachment.ack(offset);
    this.#acked = Math.max(this.#acked, attachment.acked);
    // The size at that place is that of the last change before it.
    while (this.#sizes[1] && this.#sizes[1].offset <= this.#acked) this.#sizes.shift();
    this.#flow();
  }
}
