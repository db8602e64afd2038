/** `--watch`: what is shown is kept current, by the engine's events and otherwise every few seconds, until Ctrl-C. */
import type { Client } from '../../client/client.ts';
import { BorealisError } from '../../protocol/errors.ts';
import type { EventType } from '../../protocol/event.ts';
import type { Output } from './output.ts';
import { shorten } from './text.ts';

/** Events come in bursts; what they change is asked for once. */
const SETTLE_MS = 150;
/** Ages grow without an event. */
const ROUND_MS = 5_000;

export interface LiveView<T> {
  readonly fetch: () => Promise<T>;
  /** For people. */
  readonly render: (value: T) => string[];
  /** Events after which it is asked for at once. */
  readonly events: readonly EventType[];
}

/** With --json a document a line for each change. Errors: those of `fetch` and of the event stream. */
export const keepCurrent = async <T>(
  out: Output,
  client: Client,
  signal: AbortSignal,
  view: LiveView<T>,
): Promise<void> => {
  // Without a cursor that can be placed one picture follows the other, as in a pipe.
  const draws = out.terminal.interactive && process.env.TERM !== 'dumb';
  const changes = new Changes(client, view.events, signal);
  let shown = '';
  while (!signal.aborted) {
    const value = await view.fetch();
    if (out.json) {
      const text = JSON.stringify(value);
      if (text !== shown) out.record(value);
      shown = text;
    } else {
      const lines = view.render(value);
      const text = lines.join('\n');
      if (draws) {
        if (shown === '') out.raw(away(out.terminal.height));
        draw(out, lines);
      } else if (text !== shown) out.lines(shown === '' ? lines : ['', ...lines]);
      shown = text;
    }
    await changes.next();
  }
  // The prompt begins below what is shown last.
  if (!out.json && draws) out.line();
};

/** What is read on the screen moves up, to be scrolled back to. */
const away = (rows: number): string => `\u001b[${rows};1H${'\n'.repeat(rows)}`;

const draw = (out: Output, lines: readonly string[]): void => {
  const { height, width } = out.terminal;
  const visible =
    lines.length < height ? lines : [...lines.slice(0, height - 2), `… ${lines.length - height + 2} more`];
  const hint = out.paint('dim', shorten('Kept current; Ctrl-C ends.', width));
  // Home, each line to its end, then whatever was below: nothing flickers.
  out.raw(`\u001b[H${[...visible, hint].map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
};

class Changes {
  readonly #signal: AbortSignal;
  #failure: unknown;
  #changed = false;
  #wake = (): void => {};

  constructor(client: Client, events: readonly EventType[], signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    void this.#listen(client, events);
  }

  async #listen(client: Client, type: readonly EventType[]): Promise<void> {
    try {
      for await (const _ of client.stream('event.watch', { type: [...type] }, this.#signal)) {
        this.#changed = true;
        this.#wake();
      }
      if (!this.#signal.aborted) throw new BorealisError('ENGINE_STARTING');
    } catch (error) {
      this.#failure = error;
      this.#wake();
    }
  }

  /** Resolves with the next change, after a round without one, or when interrupted. */
  async next(): Promise<void> {
    if (!this.#changed && this.#failure === undefined) await this.#pause(ROUND_MS, true);
    if (this.#changed) await this.#pause(SETTLE_MS, false);
    this.#changed = false;
    if (this.#failure !== undefined && !this.#signal.aborted) throw this.#failure;
  }

  #pause(ms: number, wakes: boolean): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        if (!wakes && !this.#signal.aborted && this.#failure === undefined) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
