/** borealisctl on a terminal that is looked at as it is drawn: cells, not what was written (@xterm/headless). */
import xterm from '@xterm/headless';
import { type IPty, spawn } from 'node-pty';
import { binary } from './processes.ts';

export interface ScreenOptions {
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly columns?: number;
  readonly rows?: number;
  /** What to run instead of borealisctl. */
  readonly file?: string;
}

type Condition = RegExp | string | ((lines: readonly string[]) => boolean);

export class Screen {
  /** Everything that was written, escape sequences and all. */
  written = '';
  readonly ended: Promise<number>;
  readonly terminal: xterm.Terminal;
  readonly #pty: IPty;
  readonly #heard = new Set<() => void>();
  #exit: number | undefined;

  constructor({ args, env, columns = 80, rows = 24, file = binary('borealisctl') }: ScreenOptions) {
    this.terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1_000 });
    const own = { PATH: process.env.PATH ?? '', HOME: '/', TERM: 'xterm-256color', LANG: 'C.UTF-8' };
    this.#pty = spawn(file, args, { cols: columns, rows, env: { ...own, ...env } });
    this.#pty.onData((text) => {
      this.written += text;
      this.terminal.write(text, () => this.#tell());
    });
    // What the program asks the terminal, the terminal answers.
    this.terminal.onData((answer) => {
      if (this.#exit === undefined) this.#pty.write(answer);
    });
    this.ended = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        this.#exit = exitCode;
        this.terminal.write('', () => resolve(exitCode));
        this.#tell();
      });
    });
  }

  /** What is seen now, a line each, without blanks at their ends. */
  get lines(): string[] {
    const { active } = this.terminal.buffer;
    return Array.from({ length: this.terminal.rows }, (_, row) =>
      (active.getLine(active.baseY + row)?.translateToString(true) ?? '').trimEnd(),
    );
  }

  /** Resolves when the screen is so; rejects, with all that is seen, when the program ends before. */
  async until(wanted: Condition): Promise<void> {
    const there = (): boolean => {
      if (typeof wanted === 'function') return wanted(this.lines);
      const text = this.lines.join('\n');
      return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
    };
    while (!there()) {
      if (this.#exit !== undefined)
        throw new Error(`ended with ${this.#exit} before ${wanted}:\n${this.lines.join('\n')}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#heard.add(resolve);
      await promise;
      this.#heard.delete(resolve);
    }
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.terminal.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  kill(): void {
    if (this.#exit === undefined) this.#pty.kill('SIGKILL');
  }

  #tell(): void {
    for (const wake of this.#heard) wake();
  }
}
