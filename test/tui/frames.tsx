/**
 * The dashboard without a terminal: the app, its layout and its cells, with an engine that says what the test wants. For
 * screens of what takes more than one machine to happen; the whole program in a pty is test/tui/dashboard.test.ts.
 */
import { Client, type JsonOperation, type StreamOperation } from '../../src/client/client.ts';
import { BorealisError } from '../../src/protocol/errors.ts';
import type { Event } from '../../src/protocol/event.ts';
import type { InputOf, OutputOf } from '../../src/protocol/operations.ts';
import { App, type Host } from '../../src/tui/app/app.ts';
import type { Cli } from '../../src/tui/app/cli.ts';
import { readPreferences } from '../../src/tui/app/preferences.ts';
import { Root } from '../../src/tui/app/root.tsx';
import { Grid } from '../../src/tui/grid/grid.ts';
import { layoutReady, Stage } from '../../src/tui/ink/stage.tsx';
import { overlayText } from '../../src/tui/reader/speech.ts';
import { screens } from '../../src/tui/screens/all.ts';

type Answers = Record<string, (input: never) => unknown>;

/** What the protocol calls an operation is looked up in `answers`; those that are not there fail. */
export class ToldEngine extends Client {
  readonly answers: Answers;
  /** All that was asked for, but for what keeps pictures current. */
  readonly asked: [name: string, input: unknown][] = [];
  #streams = new Set<(event: Event | null) => void>();
  #away = false;
  #events = 0;

  constructor(answers: Answers) {
    super('/nonexistent/told');
    this.answers = answers;
  }

  override async call<N extends JsonOperation>(name: N, input: InputOf<N>): Promise<OutputOf<N>> {
    if (this.#away) throw new BorealisError('ENGINE_UNREACHABLE');
    if (!/\.(list|show|me|history|status)$/.test(name)) this.asked.push([name, input]);
    const answer = this.answers[name] as ((input: InputOf<N>) => OutputOf<N>) | undefined;
    if (!answer) throw new BorealisError('INTERNAL');
    return answer(input);
  }

  override async all<N extends never>(): Promise<N[]> {
    return [];
  }

  override async *stream<N extends StreamOperation>(
    name: N,
    _input: InputOf<N>,
    signal?: AbortSignal,
  ): AsyncGenerator<OutputOf<N>, void, undefined> {
    const waiting: (Event | null)[] = [];
    let wake = (): void => {};
    const hear = (event: Event | null): void => {
      if (event === null || name === 'event.watch') waiting.push(event);
      wake();
    };
    const end = (): void => hear(null);
    this.#streams.add(hear);
    signal?.addEventListener('abort', end);
    try {
      for (;;) {
        const next = waiting.shift();
        if (next === null) return;
        if (next) yield next as OutputOf<N>;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#streams.delete(hear);
      signal?.removeEventListener('abort', end);
    }
  }

  happens(type: string, message: string): void {
    const id = ++this.#events;
    const at = new Date().toISOString();
    const event = { id, at, type, device: null, guid: null, message, data: {} } as Event;
    for (const hear of this.#streams) hear(event);
  }

  goAway(): void {
    this.#away = true;
    for (const hear of this.#streams) hear(null);
  }

  comeBack(): void {
    this.#away = false;
  }
}

const KEYS: Readonly<Record<string, string>> = { ' ': 'space' };

export interface FramesOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly reader?: boolean;
  readonly now?: () => number;
  readonly cli?: Partial<Cli>;
}

export class Frames {
  readonly app: App;
  readonly #stage: Stage;
  readonly #grid: Grid;
  #changed = (): void => {};

  private constructor(
    engine: ToldEngine,
    { columns = 120, rows = 36, reader = false, now, cli }: FramesOptions,
  ) {
    this.#stage = new Stage(columns, rows);
    this.#grid = new Grid(columns, rows);
    const changed = (): void => this.#changed();
    const host: Host = {
      ...{ soon: changed, later: changed, redraw() {}, toggleTheme() {}, divert() {}, quit() {} },
      lend: (use) => use(),
      ...{ columns, rows, reader },
    };
    this.app = new App({
      client: engine,
      host,
      cli: {
        ...{ program: [], env: {}, term: undefined },
        describe: async () => [],
        names: async () => [],
        attach: async () => ({ kind: 'left' }),
        ...cli,
      },
      screens,
      preferences: readPreferences('/nonexistent'),
      ...(now && { now }),
    });
  }

  static async start(engine: ToldEngine, options: FramesOptions = {}): Promise<Frames> {
    const frames = new Frames(engine, options);
    await layoutReady();
    frames.app.start();
    return frames;
  }

  get grid(): Grid {
    this.#stage.render(<Root app={this.app} />);
    this.#stage.compose(this.#grid);
    return this.#grid;
  }

  get text(): string {
    return this.grid.toText();
  }

  /** What lies over the screen, as one line. */
  get overlay(): string {
    const { overlay } = this.app;
    return overlay ? [overlay.title, ...overlayText(overlay).lines].join(' ').replaceAll(/\s+/g, ' ') : '';
  }

  /** Keys by their names, as src/tui/terminal/keys.ts calls them. */
  press(...keys: string[]): void {
    for (const key of keys)
      this.app.input({ type: 'key', key: KEYS[key] ?? key, text: key.length === 1 ? key : '' });
  }

  write(text: string): void {
    this.press(...text);
  }

  /** Once it is to be seen; the test's own time limit ends a vain wait. */
  async until(wanted: string | RegExp | ((text: string) => boolean)): Promise<string> {
    for (;;) {
      const heard = new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
      const { text } = this;
      const there =
        typeof wanted === 'string'
          ? text.includes(wanted)
          : wanted instanceof RegExp
            ? wanted.test(text)
            : wanted(text);
      if (there) return text;
      await heard;
    }
  }

  close(): void {
    this.app.close();
    this.#stage.unmount();
  }
}
