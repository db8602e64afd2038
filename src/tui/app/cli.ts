/** What the program that started the dashboard lends it: its commands, as words and to be run. */

/** As src/commands/local/completion/words.ts describes them. */
export interface CommandWords {
  readonly noun: string;
  readonly verb: string | undefined;
  readonly summary: string;
  readonly flags: readonly {
    readonly long: string;
    readonly short: string | undefined;
    readonly summary: string;
    readonly takesValue: boolean;
    readonly values: readonly string[];
  }[];
  readonly argument: 'device' | 'file' | 'other';
  readonly argumentValues: readonly string[];
}

export interface Cli {
  /** The program and its first arguments; a command's words follow. */
  readonly program: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Loads every command: asked for when somebody begins to type one. */
  describe(): Promise<readonly CommandWords[]>;
}
