/** What the program that started the dashboard lends it: its commands, as words and to be run. */

/** As src/commands/local/completion/words.ts describes them. */
export interface CommandWords {
  readonly noun: string;
  readonly verb: string | undefined;
  readonly summary: string;
  /** `device show DEVICE [FLAGS]`. */
  readonly usage: string;
  readonly flags: readonly {
    readonly long: string;
    readonly short: string | undefined;
    readonly summary: string;
    readonly takesValue: boolean;
    readonly values: readonly string[];
    readonly named: boolean;
  }[];
  /** Whether `names` knows what an argument may be. */
  readonly named: boolean;
  readonly argumentValues: readonly string[];
}

/** What a word can become. */
export interface Offer {
  readonly word: string;
  readonly note: string;
}

export interface ShellSize {
  readonly cols: number;
  readonly rows: number;
}

/** A terminal for a shell, as src/commands/local/shell/attach.ts uses it; a part of the screen, where the dashboard draws it. */
export interface ShellWindow {
  readonly size: ShellSize;
  /** The title that the program in it gave. */
  readonly state: { readonly title: string | undefined };
  open(ears: {
    typed(bytes: Buffer): void;
    resized(size: ShellSize): void;
    continued(): void;
    ended(signal: NodeJS.Signals): void;
  }): void;
  pauseTyping(): void;
  resumeTyping(): void;
  show(bytes: Uint8Array): Promise<void>;
  clear(keep: boolean): Promise<void>;
  note(text: string): Promise<void>;
  title(text: string): void;
  bell(): void;
  close(): void;
}

/** How it came that a shell is shown no more. */
export type Left =
  | { readonly kind: 'left' }
  | { readonly kind: 'ended'; readonly exit_code: number | null; readonly signal: string | null }
  | { readonly kind: 'interrupted' };

export interface Attaching {
  readonly shell: { readonly id: string; readonly device: string };
  readonly readOnly: boolean;
  /** The whole terminal unless told; the dashboard has stepped aside then. */
  readonly window?: ShellWindow | undefined;
}

export interface Cli {
  /** The program and its first arguments; a command's words follow. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Loads every command: asked for when somebody begins to type one. */
  describe(): Promise<readonly CommandWords[]>;
  /** Names and ids that can follow these words and begin so. Errors: of the engine. */
  names(words: readonly string[], begins: string): Promise<readonly Offer[]>;
  /** A shell, until Ctrl-] leaves it or it ends. Errors: those of shell.attach. */
  attach(attaching: Attaching): Promise<Left>;
  /** What the terminal calls itself (TERM). */
  readonly term: string | undefined;
}
