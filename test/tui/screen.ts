/** The dashboard as a person has it: borealisctl in a pty, and a terminal emulator (xterm's own) that shows what it draws. */
import xterm from '@xterm/headless';
import { type IPty, spawn } from 'node-pty';
import { binary } from '../lab/processes.ts';

export const KEY = {
  enter: '\r',
  esc: '\u001b',
  up: '\u001b[A',
  down: '\u001b[B',
  right: '\u001b[C',
  left: '\u001b[D',
  pageDown: '\u001b[6~',
  pageUp: '\u001b[5~',
  tab: '\t',
  ctrlC: '\u0003',
  ctrlP: '\u0010',
  ctrlL: '\u000c',
} as const;

export interface ScreenOptions {
  readonly env: Record<string, string>;
  readonly args?: readonly string[];
  readonly columns?: number;
  readonly rows?: number;
  /** What to run instead of `borealisctl dashboard`; `args` follow. */
  readonly program?: readonly [string, ...string[]];
}

export class Screen {
  readonly emulator: InstanceType<typeof xterm.Terminal>;
  readonly ended: Promise<number>;
  /** Everything that was written. */
  bytes = 0;
  written = '';
  /** Kept only where a test looks at the sequences themselves. */
  keeps = false;
  /** Told each piece as it comes, before it is drawn. */
  onPiece: ((text: string) => void) | undefined;
  /** Told after each piece was drawn. */
  onDrawn: (() => void) | undefined;
  readonly #pty: IPty;
  readonly #heard = new Set<() => void>();
  #exit: number | undefined;
  /** Nobody is there any more to answer it. */
  #gone = false;

  constructor({
    env,
    args = [],
    columns = 120,
    rows = 36,
    program: [file, ...first] = [binary('borealisctl'), 'dashboard'],
  }: ScreenOptions) {
    this.emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 0 });
    const own = {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
      TZ: 'UTC',
    };
    this.#pty = spawn(file, [...first, ...args], {
      cols: columns,
      rows,
      env: { ...own, ...env },
    });
    // What the emulator answers (its cursor, its colours) is what a terminal would answer.
    this.emulator.onData((text) => this.#exit === undefined && !this.#gone && this.#pty.write(text));
    this.#pty.onData((text) => {
      this.onPiece?.(text);
      this.bytes += Buffer.byteLength(text);
      if (this.keeps) this.written += text;
      this.emulator.write(text, () => {
        this.onDrawn?.();
        this.#tell();
      });
    });
    this.ended = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        this.#exit = exitCode;
        resolve(exitCode);
        this.#tell();
      });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  /** What is to be seen now, line by line. */
  get text(): string {
    const { rows, cols, buffer } = this.emulator;
    const { active } = buffer;
    // Lines keep for a while what is beyond the edge of a screen that became narrower.
    return Array.from({ length: rows }, (_, row) =>
      (active.getLine(active.baseY + row)?.translateToString(true, 0, cols) ?? '').trimEnd(),
    ).join('\n');
  }

  get lines(): string[] {
    return this.text.split('\n');
  }

  #tell(): void {
    for (const wake of this.#heard) wake();
  }

  /** Resolves when it is to be seen; rejects with the screen when the dashboard ends first, or when it takes too long. */
  async until(wanted: string | RegExp | ((text: string) => boolean), ms = 20_000): Promise<void> {
    const there = (): boolean => {
      const { text } = this;
      if (typeof wanted === 'string') return text.includes(wanted);
      return wanted instanceof RegExp ? wanted.test(text) : wanted(text);
    };
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`waited in vain for ${wanted}:\n${this.text}`)), ms);
    try {
      while (!there()) {
        if (this.#exit !== undefined)
          throw new Error(`ended with ${this.#exit} before ${wanted}:\n${this.text}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#heard.add(resolve);
        await Promise.race([promise, late]);
        this.#heard.delete(resolve);
      }
    } finally {
      clearTimeout(timer);
      late.catch(() => {}); // nobody waits for it any more
    }
  }

  press(...keys: string[]): void {
    for (const key of keys) this.#pty.write(key);
  }

  resize(columns: number, rows: number): void {
    this.emulator.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  /** Closes the window: the terminal is gone. node-pty's types leave it out. */
  hangUp(): void {
    this.#gone = true;
    (this.#pty as IPty & { destroy(): void }).destroy();
  }

  kill(): void {
    this.#gone = true;
    if (this.#exit === undefined) this.#pty.kill('SIGKILL');
  }

  dispose(): void {
    this.kill();
    this.emulator.dispose();
  }
}
