/** Somebody at a terminal who types a character and waits for it to appear: the echo, as a person has it. */
import { setTimeout as rest } from 'node:timers/promises';
import { type IPty, spawn } from 'node-pty';
import { plainEnvironment } from '../processes.ts';

/** None that ssh or borealisctl keep for themselves. */
const KEY = 'z';
/** A terminal that edits lines takes no longer ones than 4,095 bytes. */
const LINE = 50;
/** Between an echo and the next key; enough for whatever follows it to be over. */
const PAUSE_MS = 4;
const SILENCE_MS = 20_000;

export class Typist {
  readonly #pty: IPty;
  #heard = '';
  #wake = (): void => {};
  #typed = 0;

  constructor([file, ...args]: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}) {
    const variables = { ...plainEnvironment(), TERM: 'xterm-256color', ...env };
    this.#pty = spawn(file, args, { cols: 100, rows: 30, env: variables });
    this.#pty.onData((text) => {
      this.#heard += text;
      this.#wake();
    });
  }

  async until(text: string | RegExp): Promise<void> {
    const there = () => (typeof text === 'string' ? this.#heard.includes(text) : text.test(this.#heard));
    const giveUp = AbortSignal.timeout(SILENCE_MS);
    giveUp.addEventListener('abort', () => this.#wake());
    while (!there()) {
      if (giveUp.aborted) throw new Error(`no ${text} in: ${this.#heard.slice(-500)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  type(text: string): void {
    this.#pty.write(text);
  }

  /** Milliseconds from each key to its echo. */
  async echoes(count: number): Promise<number[]> {
    const times: number[] = [];
    while (times.length < count) {
      this.#heard = '';
      const begun = performance.now();
      this.#pty.write(KEY);
      await this.until(KEY);
      times.push(performance.now() - begun);
      this.#typed += 1;
      await rest(PAUSE_MS);
      if (this.#typed % LINE > 0) continue;
      this.#pty.write('\r');
      await this.until('\n');
      await rest(PAUSE_MS);
    }
    return times;
  }

  end(): void {
    this.#pty.kill('SIGKILL');
  }
}
