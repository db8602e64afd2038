/** Asks before something is done that cannot simply be undone, and names what will happen to what. */
import { wrap } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import type { Overlay } from '../app/view.ts';
import { BOLD, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export interface Question {
  readonly title: string;
  /** What will happen, in whole sentences. */
  readonly text: string;
  /** What the key does, in a word or two: `revoke`. */
  readonly yes: string;
  readonly run: () => void | Promise<void>;
}

export class Confirm implements Overlay {
  readonly title: string;
  readonly hints;
  readonly #app: App;
  readonly #question: Question;

  constructor(app: App, question: Question) {
    this.#app = app;
    this.#question = question;
    this.title = question.title;
    this.hints = [
      ['y', question.yes],
      ['n', 'leave it as it is'],
    ] as const;
  }

  size(width: number): { width: number; height: number } {
    const columns = Math.min(68, width);
    return { width: columns, height: wrap(this.#question.text, columns).length + 3 };
  }

  key(key: string): void {
    if (key === 'y' || key === 'Y') {
      this.#app.closeOverlay(this);
      void this.#question.run();
    } else if (key === 'n' || key === 'N' || key === 'esc' || key === 'q') this.#app.closeOverlay(this);
  }

  draw(surface: Surface): void {
    const lines = wrap(this.#question.text, surface.width);
    for (const [y, line] of lines.entries()) surface.text(0, y, line);
    surface.pieces(0, lines.length + 1, [
      { text: ` y `, style: style('onAccent', 'badFill', BOLD) },
      { text: ` ${this.#question.yes}     ` },
      { text: ` n `, style: style('text', 'bar', BOLD) },
      { text: ' leave it as it is' },
    ]);
  }
}

export const confirm = (app: App, question: Question): void => app.open(new Confirm(app, question));
