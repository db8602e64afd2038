/** borealisctl in a terminal of its own (a pty), as a person has it: what the screen was sent, what is typed, Ctrl-C. */
import { type IPty, spawn } from 'node-pty';
import { binary } from './processes.ts';

export const CTRL_C = '\u0003';
export const ENTER = '\r';

export interface TerminalOptions {
  /** borealisctl unless told. */
  readonly program?: Parameters<typeof binary>[0];
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly cwd?: string;
  readonly columns?: number;
  readonly rows?: number;
  /** Put before the command line, to be on another machine: see Host.enter. */
  readonly within?: readonly string[];
}

export class Terminal {
  /** Everything that was written, escape sequences and all. */
  written = '';
  readonly ended: Promise<number>;
  readonly #pty: IPty;
  #heard = new Set<() => void>();
  #exit: number | undefined;

  constructor({
    program = 'borealisctl',
    args,
    env,
    cwd,
    columns = 100,
    rows = 40,
    within = [],
  }: TerminalOptions) {
    const own = { PATH: process.env.PATH ?? '', HOME: '/', TERM: 'xterm-256color', LANG: 'C.UTF-8' };
    const [file, ...rest] = [...within, binary(program), ...args];
    this.#pty = spawn(file!, rest, {
      cols: columns,
      rows,
      env: { ...own, ...env },
      ...(cwd && { cwd }),
    });
    this.#pty.onData((text) => {
      this.written += text;
      this.#tell();
    });
    this.ended = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => {
        this.#exit = exitCode;
        resolve(exitCode);
        this.#tell();
      });
    });
  }

  /** Without colours and with plain line ends. */
  get text(): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
    return this.written.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, '').replaceAll('\r\n', '\n');
  }

  #tell(): void {
    for (const wake of this.#heard) wake();
  }

  /** Resolves when the text is there; rejects with all there is when the command ends without it. */
  async until(text: string | RegExp): Promise<void> {
    const there = () => (typeof text === 'string' ? this.text.includes(text) : text.test(this.text));
    while (!there()) {
      if (this.#exit !== undefined) throw new Error(`ended with ${this.#exit} before ${text}:\n${this.text}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#heard.add(resolve);
      await promise;
      this.#heard.delete(resolve);
    }
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  kill(): void {
    if (this.#exit === undefined) this.#pty.kill('SIGKILL');
  }
}
