/** A few ways to go on, each with its key. */
import { width, wrap } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import type { Overlay } from '../app/view.ts';
import { BOLD, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export interface Choice {
  readonly key: string;
  readonly title: string;
  /** What it means. */
  readonly note?: string;
  readonly run: () => void | Promise<void>;
}

export interface MenuOptions {
  readonly title: string;
  readonly text?: string;
  readonly choices: readonly Choice[];
}

interface Line {
  readonly index: number;
  readonly note: string;
  /** Of its first line. */
  readonly choice?: Choice;
}

/** Beyond the longest title. */
const NOTE_AFTER = 6;

export class Menu implements Overlay {
  readonly title: string;
  readonly hints = [
    ['↑↓', 'choose'],
    ['Enter', 'do it'],
    ['Esc', 'close'],
  ] as const;
  readonly #app: App;
  readonly #options: MenuOptions;
  #at = 0;
  /** First line of the choices that is in sight, and where that is on the screen. */
  #from = 0;
  #top = 0;
  /** For the mouse: which choice each line belongs to. */
  #lines: readonly Line[] = [];

  constructor(app: App, options: MenuOptions) {
    this.#app = app;
    this.#options = options;
    this.title = options.title;
  }

  #text(columns: number): string[] {
    const { text } = this.#options;
    return text ? [...text.split('\n').flatMap((line) => wrap(line, columns)), ''] : [];
  }

  get #titles(): number {
    return Math.max(...this.#options.choices.map(({ title }) => width(title)));
  }

  /** What a choice means is read to its end, on several lines where it must be. */
  #laidOut(columns: number): Line[] {
    const room = Math.max(20, columns - NOTE_AFTER - this.#titles);
    return this.#options.choices.flatMap((choice, index) =>
      wrap(choice.note ?? '', room).map((note, line) => ({ index, note, ...(line === 0 && { choice }) })),
    );
  }

  size(available: number, height: number): { width: number; height: number } {
    const { choices } = this.#options;
    const notes = Math.max(...choices.map(({ note = '' }) => width(note)));
    const columns = Math.min(available, Math.max(44, this.#titles + notes + NOTE_AFTER + 2));
    const lines = this.#text(columns).length + this.#laidOut(columns).length;
    return { width: columns, height: Math.min(height, lines) };
  }

  key(key: string) {
    const { choices } = this.#options;
    if (key === 'esc' || key === 'q') return this.#app.closeOverlay(this);
    if (key === 'down' || key === 'j') this.#at = (this.#at + 1) % choices.length;
    else if (key === 'up' || key === 'k') this.#at = (this.#at + choices.length - 1) % choices.length;
    else if (key === 'enter') this.#choose(choices[this.#at]);
    else this.#choose(choices.find((choice) => choice.key === key));
  }

  mouse(_x: number, y: number): void {
    const line = y < this.#top ? undefined : this.#lines[this.#from + y - this.#top];
    this.#choose(line && this.#options.choices[line.index]);
  }

  wheel(lines: number): void {
    this.#at = Math.max(0, Math.min(this.#options.choices.length - 1, this.#at + Math.sign(lines)));
  }

  #choose(choice: Choice | undefined): void {
    if (!choice) return;
    this.#app.closeOverlay(this);
    void choice.run();
  }

  draw(surface: Surface): void {
    const above = this.#text(surface.width);
    for (const [y, line] of above.entries()) surface.text(0, y, line);
    this.#top = surface.top + above.length;
    this.#lines = this.#laidOut(surface.width);
    const room = surface.height - above.length;
    const first = this.#lines.findIndex(({ index }) => index === this.#at);
    const last = this.#lines.findLastIndex(({ index }) => index === this.#at);
    this.#from = Math.max(0, Math.min(this.#from, first, this.#lines.length - room), last - room + 1);
    const titles = this.#titles;
    for (const [at, { index, note, choice }] of this.#lines.slice(this.#from, this.#from + room).entries()) {
      const y = above.length + at;
      if (choice) {
        surface.text(1, y, choice.key, style('accent', 'page', BOLD));
        surface.text(4, y, choice.title);
      }
      surface.text(NOTE_AFTER + titles, y, note, style('muted'));
      if (index === this.#at) surface.tint(y, 'selected');
    }
    if (this.#lines.length > room) {
      const where = ` ${this.#at + 1}/${this.#options.choices.length} `;
      surface.text(surface.width - where.length, surface.height - 1, where, style('onAccent', 'accentFill'));
    }
  }
}

export const menu = (app: App, options: MenuOptions): void => app.open(new Menu(app, options));
