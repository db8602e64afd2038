/** One line on standard error that is written over as work goes on. Nothing where standard error is no terminal. */
import type { Output } from './output.ts';
import { shorten } from './text.ts';

/** Work that is done sooner needs no progress. */
const PATIENCE_MS = 1_000;
const ROUND_MS = 100;

export class Progress {
  readonly #out: Output;
  readonly #enabled: boolean;
  readonly #started = performance.now();
  #shown = '';
  #drawnAt = 0;

  constructor(out: Output) {
    this.#out = out;
    this.#enabled = out.terminal.progress && !out.quiet && !out.json;
    out.interlude = () => this.clear();
  }

  /** `text` is made only when it is shown. */
  show(text: () => string): void {
    const now = performance.now();
    if (!this.#enabled || now - this.#started < PATIENCE_MS || now - this.#drawnAt < ROUND_MS) return;
    this.#drawnAt = now;
    this.#shown = shorten(text(), Math.min(this.#out.terminal.width, process.stderr.columns ?? 80) - 1);
    process.stderr.write(`\r\u001b[K${this.#shown}`);
  }

  /** Before anything else is written. */
  clear(): void {
    if (this.#shown === '') return;
    process.stderr.write('\r\u001b[K');
    this.#shown = '';
    this.#drawnAt = 0;
  }
}
