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
  #top = 0;

  constructor(app: App, options: MenuOptions) {
    this.#app = app;
    this.#options = options;
    this.title = options.title;
  }

  #text(columns: number): string[] {
    const { text } = this.#options;
    return text ? [...text.split('\n').flatMap((line) => wrap(line, columns)), ''] : [];
  }

  size(available: number): { width: number; height: number } {
    const { choices } = this.#options;
    const titles = Math.max(...choices.map(({ title }) => width(title)));
    const notes = Math.max(...choices.map(({ note = '' }) => width(note)));
    const columns = Math.min(available, Math.max(44, titles + notes + 8));
    return { width: columns, height: this.#text(columns).length + this.#options.choices.length };
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
    this.#choose(this.#options.choices[y - this.#top]);
  }

  #choose(choice: Choice | undefined): void {
    if (!choice) return;
    this.#app.closeOverlay(this);
    void choice.run();
  }

  draw(surface: Surface): void {
    const lines = this.#text(surface.width);
    for (const [y, line] of lines.entries()) surface.text(0, y, line);
    this.#top = surface.top + lines.length;
    const titles = Math.max(...this.#options.choices.map(({ title }) => width(title)));
    for (const [index, { key, title, note }] of this.#options.choices.entries()) {
      const y = lines.length + index;
      surface.text(1, y, key, style('accent', 'page', BOLD));
      surface.text(4, y, title);
      if (note) surface.text(6 + titles, y, note, style('muted'));
      if (index === this.#at) surface.tint(y, 'selected');
    }
  }
}

export const menu = (app: App, options: MenuOptions): void => app.open(new Menu(app, options));
