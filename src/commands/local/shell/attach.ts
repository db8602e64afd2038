/** A shell at the terminal that a person sits at, from the first screen until it is left or has ended. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Client } from '../../../client/client.ts';
import type { ApiTerminal } from '../../../client/terminal.ts';
import { BorealisError, type ErrorCode } from '../../../protocol/errors.ts';
import type { Shell, ShellNotice, ShellRequest, ShellViewer } from '../../../protocol/shell.ts';
import { counted } from '../../../text/counted.ts';
import { plain } from '../../manner/text.ts';
import { LeaveKeys } from './leave-keys.ts';
import { exitOfSignal, type TerminalWindow, type WindowSize } from './window.ts';

/** A terminal, or a part of one that somebody else draws. */
export type ShellWindow = Pick<
  TerminalWindow,
  'size' | 'open' | 'pauseTyping' | 'resumeTyping' | 'show' | 'clear' | 'note' | 'title' | 'bell' | 'close'
> &
  Partial<Pick<TerminalWindow, 'showAtOnce'>> & { readonly state: Pick<TerminalWindow['state'], 'title'> };

export interface Attachment {
  readonly client: Client;
  readonly window: ShellWindow;
  readonly shell: Pick<Shell, 'id' | 'device'>;
  readonly readOnly: boolean;
  /** Ctrl-] alone leaves, where there is something to come back to. */
  readonly leaveAtOnce?: boolean;
}

export type Outcome =
  | { readonly kind: 'left' }
  | { readonly kind: 'ended'; readonly exit_code: number | null; readonly signal: string | null }
  /** Of ours: somebody asked the process to end, or the terminal is gone. The shell goes on. */
  | { readonly kind: 'interrupted'; readonly signal: NodeJS.Signals };

type Connection = ApiTerminal<ShellNotice, ShellRequest>;

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;
/** After which it is tried again, once it was there. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'ENGINE_UNREACHABLE',
  'ENGINE_STARTING',
  'SHELL_UNREACHABLE',
]);

/**
 * Errors: of the first try those of shell.attach; afterwards SHELL_ENDED, NOT_PERMITTED and what else does not pass by
 * itself. The window is given back before.
 */
export const attach = async (attachment: Attachment): Promise<Outcome> => {
  const view = new View(attachment);
  try {
    return await view.run();
  } finally {
    attachment.window.close();
  }
};

class View {
  readonly #client: Client;
  readonly #window: ShellWindow;
  readonly #shell: Attachment['shell'];
  readonly #keys: LeaveKeys;
  readonly #leaves: string;
  readonly #over = new AbortController();
  #readOnly: boolean;
  #outcome: Outcome | undefined;
  #connection: Connection | undefined;
  /** Its screen was there once; the window is ours since. */
  #seen = false;
  #screenFollows = false;
  #viewers: readonly ShellViewer[] = [];
  #title: string | null = null;
  /** Of the shell, which may be another's. */
  #size: WindowSize | undefined;

  constructor({ client, window, shell, readOnly, leaveAtOnce: atOnce = false }: Attachment) {
    this.#keys = new LeaveKeys({ atOnce });
    this.#leaves = atOnce ? 'Ctrl-] leaves' : 'Ctrl-] d leaves';
    this.#client = client;
    this.#window = window;
    this.#shell = shell;
    this.#readOnly = readOnly;
  }

  async run(): Promise<Outcome> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const before = this.#connection;
      try {
        await this.#watch();
      } catch (error) {
        if (this.#outcome) return this.#outcome;
        if (!this.#seen || !(error instanceof BorealisError) || !PASSING.has(error.code)) throw error;
        if (error.code === 'SHELL_UNREACHABLE') await this.#standsStill(error.message);
        else await this.#window.note(` The engine is out of reach; waiting. ${this.#leaves}.`);
      }
      if (this.#outcome) return this.#outcome;
      // It was connected meanwhile: what is wrong now is something new.
      if (this.#connection !== before) pause = FIRST_PAUSE_MS;
      await rest(pause, undefined, { signal: this.#over.signal }).catch(() => {}); // left: asked next
      if (this.#outcome) return this.#outcome;
    }
  }

  /** One connection to its end. */
  async #watch(): Promise<void> {
    const { id } = this.#shell;
    const wanted = { shell: id, read_only: this.#readOnly, ...this.#window.size };
    const connection = await this.#client.terminal('shell.attach', wanted, this.#over.signal);
    this.#connection = connection;
    for await (const message of connection.messages((bytes) => this.#showAtOnce(bytes))) {
      if (Buffer.isBuffer(message)) await this.#show(message);
      else await this.#told(message);
      if (this.#outcome) return;
    }
  }

  /** An echo: nothing waits before it. */
  #showAtOnce(bytes: Buffer): boolean {
    return !this.#screenFollows && this.#window.showAtOnce?.(bytes) === true;
  }

  async #show(bytes: Buffer): Promise<void> {
    if (this.#screenFollows) {
      this.#screenFollows = false;
      await this.#window.clear(!this.#seen);
      this.#seen = true;
      await this.#window.show(bytes);
      this.#showTitle();
    } else await this.#window.show(bytes);
  }

  async #told(notice: ShellNotice): Promise<void> {
    switch (notice.type) {
      case 'attached':
        this.#screenFollows = true;
        this.#readOnly = notice.read_only;
        this.#viewers = notice.shell.viewers;
        this.#title = notice.shell.title;
        this.#size = notice.shell;
        // Until now Ctrl-C is Ctrl-C.
        if (!this.#seen) this.#open();
        break;
      case 'viewers':
        this.#viewers = notice.viewers;
        if (this.#seen) this.#showTitle();
        break;
      case 'resized':
        this.#size = notice;
        if (this.#seen) this.#showTitle();
        break;
      case 'interrupted':
        if (this.#seen) await this.#standsStill(notice.reason);
        break;
      case 'refused':
        if (notice.code === 'SHELL_READ_ONLY') this.#readOnly = true;
        this.#window.bell();
        break;
      case 'ended':
        this.#end({ kind: 'ended', exit_code: notice.exit_code, signal: notice.signal });
    }
  }

  #open(): void {
    this.#window.open({
      typed: (bytes) => this.#typed(bytes),
      resized: (size) => this.#connection?.ask({ type: 'resize', ...size }),
      // A new connection brings the whole screen.
      continued: () => this.#connection?.close(),
      ended: (signal) => this.#end({ kind: 'interrupted', signal }),
    });
  }

  #typed(chunk: Buffer): void {
    const { bytes, leave } = this.#keys.push(chunk);
    if (this.#readOnly) {
      // Arrows and what the terminal says by itself begin with an escape: they are no reason to ring.
      if (bytes.length > 0 && bytes[0] !== 0x1b) this.#window.bell();
    } else if (bytes.length > 0 && this.#connection && !this.#connection.type(bytes)) {
      this.#window.pauseTyping();
      void this.#connection.drained().then(() => this.#window.resumeTyping());
    }
    if (leave) this.#end({ kind: 'left' });
  }

  /** Over a screen that is drawn anew when it goes on. */
  async #standsStill(reason: string): Promise<void> {
    await this.#window.note(` ${plain(this.#shell.device)} stands still (${this.#leaves}): ${plain(reason)}`);
  }

  /** Who else is there, and what else does not show, stands where no program draws. */
  #showTitle(): void {
    const { size, state } = this.#window;
    const own = state.title ?? this.#title;
    const users = this.#viewers.map(({ user, read_only }) => (read_only ? `${user} (read-only)` : user));
    const { cols, rows } = this.#size ?? size;
    const parts = [
      own ?? `Shell on ${this.#shell.device}`,
      ...(own === null ? [this.#leaves] : []),
      ...(this.#readOnly ? ['read-only'] : []),
      ...(users.length > 1 ? [counted(users)] : []),
      ...(cols > size.cols || rows > size.rows ? [`larger than this window: ${cols} × ${rows}`] : []),
    ];
    this.#window.title(plain(parts.join(' · ')));
  }

  #end(outcome: Outcome): void {
    this.#outcome ??= outcome;
    this.#over.abort();
  }
}

/** Of borealisctl: as a local shell's own would be. */
export const exitOf = (outcome: Outcome): number => {
  if (outcome.kind === 'left') return 0;
  if (outcome.kind === 'interrupted') return exitOfSignal(outcome.signal);
  return outcome.exit_code ?? (outcome.signal === null ? 1 : exitOfSignal(outcome.signal));
};
