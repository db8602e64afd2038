/**
 * The dashboard for a screen reader: nothing is drawn, what changes is told in lines, one after another. The same screens,
 * keys and overlays. Of news only what is meant for the user is told; Ctrl-L tells the whole screen again.
 */
import { App, type AppOptions, type Host } from '../app/app.ts';
import type { Overlay, View } from '../app/view.ts';
import type { TerminalDevice } from '../terminal/device.ts';
import type { Input } from '../terminal/keys.ts';
import { fresh, overlayText, spoken } from './speech.ts';

/** News are gathered for so long: they interrupt what is being read. */
const NEWS_MS = 1_500;

export class Reader implements Host {
  /** Overlays are laid out for it; nothing is ever wrapped by the terminal's edge alone. */
  readonly columns = 100;
  readonly rows = 60;
  readonly reader = true;
  readonly #device: TerminalDevice;
  readonly #app: App;
  readonly #left = Promise.withResolvers<void>();
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lent = false;
  /** In the midst of a line: what is typed is echoed. */
  #open = false;
  #view: View | undefined;
  #title = '';
  #overlay: Overlay | undefined;
  #overlayLines: readonly string[] = [];
  #line: string | undefined;
  #plain: readonly string[] = [];
  #link = '';
  readonly #toasts = new WeakSet<object>();

  constructor(device: TerminalDevice, options: Omit<AppOptions, 'host'>) {
    this.#device = device;
    this.#app = new App({ ...options, host: this });
  }

  async run(): Promise<void> {
    const quit = (): void => this.quit();
    process.on('SIGTERM', quit).on('SIGHUP', quit).on('SIGPIPE', quit);
    try {
      this.#device.start({ input: (input) => this.#heard(input), resize() {} });
      this.#say(['Borealis. Question mark tells the keys, q leaves, Control L tells the screen again.']);
      this.#app.start();
      await this.#left.promise;
    } finally {
      clearImmediate(this.#immediate);
      clearTimeout(this.#timer);
      this.#app.close();
      this.#device.close();
      process.off('SIGTERM', quit).off('SIGHUP', quit).off('SIGPIPE', quit);
    }
  }

  soon(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#tell(true);
    });
  }

  later(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#tell(false);
    }, NEWS_MS);
  }

  redraw(): void {
    this.#view = undefined;
    this.#overlay = undefined;
    this.soon();
  }

  toggleTheme(): void {
    this.#app.toasts.note('Nothing is drawn here, in no colours.');
  }

  /** Nobody asks for it here: shells have the whole terminal. */
  divert(): void {}

  quit(): void {
    this.#left.resolve();
  }

  async lend(use: () => Promise<void>): Promise<void> {
    this.#lent = true;
    this.#device.release();
    try {
      await use();
    } finally {
      this.#device.take();
      this.#lent = false;
      this.redraw();
    }
  }

  #heard(input: Input): void {
    const writes = this.#app.overlay ?? this.#app.filterField;
    // What is written is echoed, and not told again with each letter.
    if (input.type === 'key' && input.text !== '' && writes) {
      this.#app.input(input);
      if (this.#app.overlay === this.#overlay && this.#writes()) {
        this.#device.write(input.text);
        this.#open = true;
        if (this.#overlay) this.#overlayLines = overlayText(this.#overlay).lines;
        clearImmediate(this.#immediate);
        this.#immediate = undefined;
      }
      return;
    }
    this.#app.input(input);
  }

  #writes(): boolean {
    if (this.#overlay) return overlayText(this.#overlay).written !== undefined;
    return this.#app.filterField !== undefined;
  }

  #say(lines: readonly string[]): void {
    if (lines.length === 0 || this.#lent) return;
    this.#device.write(`${this.#open ? '\r\n' : ''}${lines.join('\r\n')}\r\n`);
    this.#open = false;
  }

  #tell(asked: boolean): void {
    if (this.#lent) return;
    this.#say([...this.#toldLink(), ...this.#toldOverlay(), ...this.#toldView(asked), ...this.#toldToasts()]);
  }

  #toldLink(): string[] {
    const { link } = this.#app.store;
    if (link.state === this.#link) return [];
    const before = this.#link;
    this.#link = link.state;
    if (link.state === 'away') return [`The engine is away. ${link.error.message} ${link.error.next}`];
    return link.state === 'live' && before === 'away' ? ['The engine is back.'] : [];
  }

  #toldToasts(): string[] {
    return this.#app.toasts.shown.flatMap((toast) => {
      if (this.#toasts.has(toast)) return [];
      this.#toasts.add(toast);
      return toast.kind === 'failed'
        ? [`Failed, ${toast.code}: ${toast.text} ${toast.next ?? ''}`.trim()]
        : [toast.kind === 'warning' ? `Warning: ${toast.text}` : toast.text];
    });
  }

  #toldOverlay(): string[] {
    const { overlay } = this.#app;
    const before = this.#overlay;
    this.#overlay = overlay;
    if (!overlay) {
      // Back on the screen: where one is.
      if (before) this.#line = undefined;
      return [];
    }
    const { lines } = overlayText(overlay);
    const known = overlay === before ? this.#overlayLines : [];
    this.#overlayLines = lines;
    if (overlay === before) return fresh(known, lines);
    const hints = overlay.hints.map(([key, what]) => `${key} ${what}`).join(', ');
    return [`${overlay.title}.`, ...lines.filter(Boolean), `Keys: ${hints}.`];
  }

  #toldView(asked: boolean): string[] {
    const { view, stack, overlay } = this.#app;
    if (overlay || view.asks) return [];
    const title = stack.map((one) => one.title).join(', ');
    const entered = view !== this.#view || title !== this.#title;
    const plain = (view.plain?.() ?? []).map(spoken).filter(Boolean);
    const changed = entered ? plain : view.tells || asked ? fresh(this.#plain, plain) : [];
    this.#plain = plain;
    const line = view.list?.spoken();
    const moved = line !== this.#line && (asked || entered || this.#line === undefined);
    this.#view = view;
    this.#title = title;
    if (moved) this.#line = line;
    return [
      ...(entered ? [`${title}${view.note ? `, ${view.note}` : ''}.`] : []),
      ...changed,
      ...(moved && line !== undefined ? [line] : []),
      ...(entered && view.list?.shown().length === 0 ? (view.emptyLines ?? []).filter(Boolean) : []),
    ];
  }
}
