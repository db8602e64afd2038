/** Asks for one line of text. */
import { wrap } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import { Field } from '../app/field.ts';
import type { Overlay } from '../app/view.ts';
import { drawField } from '../components/field.ts';
import { style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export interface Asked {
  readonly title: string;
  /** Above the line: what it is for. */
  readonly text?: string;
  readonly value?: string;
  readonly yes: string;
  /** What is wrong with it, or undefined. */
  readonly check?: (value: string) => string | undefined;
  /** What Tab offers for what has been typed. */
  readonly complete?: (value: string) => readonly string[];
  readonly run: (value: string) => void | Promise<void>;
}

export class Prompt implements Overlay {
  readonly title: string;
  readonly hints;
  readonly #app: App;
  readonly #asked: Asked;
  readonly #field: Field;
  #problem: string | undefined;
  #offered: readonly string[] = [];

  constructor(app: App, asked: Asked) {
    this.#app = app;
    this.#asked = asked;
    this.#field = new Field(asked.value);
    this.title = asked.title;
    this.hints = [
      ['Enter', asked.yes],
      ...(asked.complete ? ([['Tab', 'complete']] as const) : []),
      ['Esc', 'close'],
    ] as const;
  }

  size(available: number): { width: number; height: number } {
    const columns = Math.min(72, available);
    const text = this.#asked.text ? wrap(this.#asked.text, columns).length + 1 : 0;
    return { width: columns, height: text + 2 + Math.min(6, this.#offered.length) };
  }

  key(key: string, text: string) {
    if (key === 'esc') return this.#app.closeOverlay(this);
    if (key === 'enter') {
      const value = this.#field.value.trim();
      this.#problem = this.#asked.check?.(value);
      if (this.#problem !== undefined) return;
      this.#app.closeOverlay(this);
      void this.#asked.run(value);
      return;
    }
    if (key === 'tab') return this.#complete();
    if (this.#field.key(key, text)) {
      this.#problem = undefined;
      this.#offered = [];
    }
  }

  paste(text: string): void {
    this.#field.insert(text);
  }

  #complete(): void {
    const found = this.#asked.complete?.(this.#field.value) ?? [];
    if (found.length === 1) this.#field.set(found[0] ?? '');
    this.#offered = found.length > 1 ? found : [];
  }

  draw(surface: Surface): void {
    let y = 0;
    if (this.#asked.text) {
      for (const line of wrap(this.#asked.text, surface.width)) surface.text(0, y++, line, style('muted'));
      y++;
    }
    surface.fill(0, y, surface.width, 1, style('text', 'bar'));
    drawField(surface, 1, y, this.#field, style('text', 'bar'), surface.width - 2);
    y++;
    if (this.#problem) surface.text(0, y, this.#problem, style('bad'));
    for (const offered of this.#offered) surface.text(1, y++, offered, style('muted'));
  }
}

export const ask = (app: App, asked: Asked): void => app.open(new Prompt(app, asked));
