/** The dashboard as a program: a terminal, the app, and the pictures between them. It is bundled apart (scripts/build.ts). */
import type { ReadStream, WriteStream } from 'node:tty';
import { Client } from '../client/client.ts';
import { App, type Host } from './app/app.ts';
import type { Cli } from './app/cli.ts';
import { Frames } from './app/frames.ts';
import { type Preferences, preferencesPath, readPreferences, writePreferences } from './app/preferences.ts';
import { Root } from './app/root.tsx';
import { Grid } from './grid/grid.ts';
import { keepHeapSmall } from './heap.ts';
import { layoutReady, Stage } from './ink/stage.tsx';
import { Reader } from './reader/reader.ts';
import { screens } from './screens/all.ts';
import { type Depth, readDepth } from './terminal/colours.ts';
import { TerminalDevice } from './terminal/device.ts';
import { Painter } from './terminal/painter.ts';
import { DARK, isLight, LIGHT, lightByEnvironment } from './terminal/themes.ts';

export interface DashboardOptions {
  readonly socket: string;
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly noColor: boolean;
  readonly cli: Cli;
  /** Overrides what is remembered. */
  readonly theme?: 'auto' | 'dark' | 'light' | undefined;
  readonly screen?: string | undefined;
  /** Told in lines, for a screen reader. */
  readonly reader?: boolean | undefined;
}

/** Whether that is remembered: such a user needs no terminal that can place a cursor. */
export const toldInLines = (env: DashboardOptions['env']): boolean =>
  readPreferences(preferencesPath(env)).reader;

/** Resolves when the user leaves it. */
export const dashboard = async (options: DashboardOptions): Promise<void> => {
  keepHeapSmall();
  const path = preferencesPath(options.env);
  const preferences = readPreferences(path);
  if (options.theme) preferences.theme = options.theme;
  if (options.screen) preferences.screen = options.screen;
  if (options.reader !== undefined) preferences.reader = options.reader;
  const program = preferences.reader ? newReader(options, preferences) : new Dashboard(options, preferences);
  try {
    await program.run();
  } finally {
    writePreferences(path, preferences);
  }
};

const newReader = ({ socket, stdin, stdout, cli }: DashboardOptions, preferences: Preferences): Reader =>
  new Reader(new TerminalDevice(stdin, stdout, { mouse: false, plain: true }), {
    ...{ client: new Client(socket), cli, screens, preferences },
  });

/** Compiles what the first picture takes: scripts/code-cache.cjs keeps it. There is no engine, and nothing is drawn on. */
export const warmUp = async (): Promise<void> => {
  const host: Host = {
    ...{ soon() {}, later() {}, redraw() {}, toggleTheme() {}, divert() {}, quit() {} },
    lend: (use) => use(),
    columns: 120,
    rows: 40,
  };
  const app = new App({
    client: new Client('/nonexistent/socket'),
    host,
    cli: {
      program: [],
      env: {},
      describe: async () => [],
      names: async () => [],
      attach: async () => ({ kind: 'left' }),
      term: undefined,
    },
    screens,
    preferences: readPreferences('/nonexistent'),
  });
  app.start();
  await layoutReady();
  const stage = new Stage(host.columns, host.rows);
  const grid = new Grid(host.columns, host.rows);
  const painter = new Painter(DARK, 'true');
  for (const { noun } of screens.tabs) {
    app.go(noun);
    stage.render(<Root app={app} />);
    stage.compose(grid);
    painter.paint(grid);
  }
  app.close();
  stage.unmount();
};

class Dashboard implements Host {
  readonly #device: TerminalDevice;
  readonly #depth: Depth;
  readonly #frames: Frames;
  readonly #app: App;
  readonly #preferences: Preferences;
  #light: boolean;
  #painter: Painter;
  #grid: Grid;
  #stage: Stage;
  #left = Promise.withResolvers<void>();

  constructor({ socket, stdin, stdout, env, noColor, cli }: DashboardOptions, preferences: Preferences) {
    this.#preferences = preferences;
    this.#device = new TerminalDevice(stdin, stdout, { mouse: preferences.mouse });
    this.#depth = readDepth(env, noColor);
    this.#light =
      preferences.theme === 'auto'
        ? (lightByEnvironment(env.COLORFGBG) ?? false)
        : preferences.theme === 'light';
    this.#painter = this.#newPainter();
    this.#grid = new Grid(this.columns, this.rows);
    this.#stage = new Stage(this.columns, this.rows);
    this.#frames = new Frames({
      draw: () => this.#draw(),
      congested: () => this.#device.congested,
      drained: (then) => this.#device.drained(then),
    });
    this.#app = new App({ client: new Client(socket), host: this, cli, screens, preferences });
  }

  get columns(): number {
    return this.#device.columns;
  }

  get rows(): number {
    return this.#device.rows;
  }

  async run(): Promise<void> {
    // What the engine has to say can come while the layout engine is being made ready.
    this.#app.start();
    await layoutReady();
    const quit = (): void => this.quit();
    process.on('SIGTERM', quit).on('SIGHUP', quit).on('SIGPIPE', quit);
    try {
      this.#device.start({
        input: (input) => {
          if (input.type === 'report') this.#reported(input.text);
          else this.#app.input(input);
        },
        resize: () => this.#resized(),
      });
      this.#frames.start();
      await this.#left.promise;
    } finally {
      this.#frames.stop();
      this.#app.close();
      this.#device.close();
      this.#stage.unmount();
      process.off('SIGTERM', quit).off('SIGHUP', quit).off('SIGPIPE', quit);
    }
  }

  soon(): void {
    this.#frames?.soon();
  }

  later(): void {
    this.#frames?.later();
  }

  redraw(): void {
    this.#painter.forget();
    this.#frames.soon();
  }

  quit(): void {
    this.#left.resolve();
  }

  toggleTheme(): void {
    this.#preferences.theme = this.#light ? 'dark' : 'light';
    this.#setLight(!this.#light);
  }

  divert(to: ((chunk: Buffer) => void) | undefined): void {
    this.#device.divert = to;
  }

  async lend(use: () => Promise<void>): Promise<void> {
    this.#frames.stop();
    this.#device.release();
    try {
      await use();
    } finally {
      this.#device.take();
      this.#resized();
      this.#frames.start();
    }
  }

  #newPainter(): Painter {
    return new Painter(this.#light ? LIGHT : DARK, this.#depth);
  }

  #setLight(light: boolean): void {
    if (light === this.#light) return;
    this.#light = light;
    this.#painter = this.#newPainter();
    this.#frames.soon();
  }

  /** The terminal says what is behind its text. */
  #reported(text: string): void {
    const light = isLight(text);
    if (light !== undefined && this.#preferences.theme === 'auto') this.#setLight(light);
  }

  #resized(): void {
    this.#grid = new Grid(this.columns, this.rows);
    this.#stage.resize(this.columns, this.rows);
    this.#painter.forget();
    this.#frames.soon();
  }

  #draw(): number {
    this.#stage.render(<Root app={this.#app} />);
    this.#stage.compose(this.#grid);
    const bytes = this.#painter.paint(this.#grid);
    this.#device.write(bytes);
    return bytes.length;
  }
}
