/** Lines to read, longer than the screen perhaps: output of a command, a script, a document. */
import { segments, segmentWidth, width } from '../../text/width.ts';
import type { App } from '../app/app.ts';
import type { Overlay } from '../app/view.ts';
import { type Style, style } from '../grid/style.ts';
import type { Piece, Surface } from '../grid/surface.ts';

export type TextLine = string | readonly Piece[];

export class TextPane implements Overlay {
  readonly title: string;
  readonly #app: App;
  readonly #lines: () => readonly TextLine[];
  readonly #onClose: (() => void) | undefined;
  readonly #wide: boolean;
  #top = 0;
  #left = 0;
  #page = 10;
  /** The end is kept in sight while lines come in. */
  follows: boolean;
  status: string | undefined;

  constructor(
    app: App,
    title: string,
    lines: () => readonly TextLine[],
    {
      follows = false,
      wide = true,
      onClose,
    }: { follows?: boolean; wide?: boolean; onClose?: () => void } = {},
  ) {
    this.#app = app;
    this.title = title;
    this.#lines = lines;
    this.follows = follows;
    this.#wide = wide;
    this.#onClose = onClose;
  }

  get hints(): readonly (readonly [string, string])[] {
    return [
      ['↑↓ PgUp PgDn', 'scroll'],
      ['←→', 'sideways'],
      ['G', 'end'],
      ['Esc', this.status === 'running' ? 'end it' : 'close'],
    ];
  }

  size(width: number, height: number): { width: number; height: number } {
    if (this.#wide) return { width: Math.min(width, 160), height };
    return { width: Math.min(width, 90), height: Math.min(height, this.#lines().length) };
  }

  close(): void {
    this.#onClose?.();
  }

  wheel(lines: number): void {
    this.#scroll(lines);
  }

  key(key: string): void {
    const moves: Readonly<Record<string, number>> = {
      down: 1,
      j: 1,
      up: -1,
      k: -1,
      pagedown: this.#page,
      space: this.#page,
      pageup: -this.#page,
      home: -Infinity,
      g: -Infinity,
      end: Infinity,
      G: Infinity,
    };
    const by = moves[key];
    if (by !== undefined) this.#scroll(by);
    else if (key === 'right') this.#left += 8;
    else if (key === 'left') this.#left = Math.max(0, this.#left - 8);
    else if (key === 'esc' || key === 'q' || key === 'enter') this.#app.closeOverlay(this);
  }

  #scroll(by: number): void {
    const last = Math.max(0, this.#lines().length - this.#page);
    const from = this.follows ? last : this.#top;
    this.#top = Math.max(0, Math.min(last, from + by));
    this.follows = by > 0 && this.#top === last;
  }

  draw(surface: Surface): void {
    const lines = this.#lines();
    this.#page = surface.height;
    const last = Math.max(0, lines.length - surface.height);
    if (this.follows) this.#top = last;
    this.#top = Math.min(this.#top, last);
    const shown = lines
      .slice(this.#top, this.#top + surface.height)
      .map((line) => (typeof line === 'string' ? [{ text: line }] : line));
    const longest = shown.reduce((most, line) => Math.max(most, widthOf(line)), 0);
    this.#left = Math.max(0, Math.min(this.#left, longest - surface.width));
    for (const [y, line] of shown.entries()) surface.pieces(0, y, fromColumn(line, this.#left));
    if (lines.length > surface.height) {
      const where = ` ${this.#top + surface.height}/${lines.length} `;
      surface.text(surface.width - where.length, surface.height - 1, where, style('onAccent', 'accentFill'));
    }
  }
}

const widthOf = (line: readonly Piece[]): number => line.reduce((sum, { text }) => sum + width(text), 0);

/** What is left of a line when so many columns of it have gone out of sight; half of a wide character is a blank. */
export const fromColumn = (line: readonly Piece[], columns: number): readonly Piece[] => {
  if (columns === 0) return line;
  let gone = 0;
  return line.flatMap(({ text, style: look }) => {
    let kept = '';
    for (const { segment } of segments(text)) {
      gone += segmentWidth(segment);
      if (gone > columns)
        kept += gone - segmentWidth(segment) < columns ? ' '.repeat(gone - columns) : segment;
    }
    return kept === '' ? [] : [{ text: kept, style: look }];
  });
};

const ESCAPES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what it is about
  /\u001b(?:\[([\d;:?]*)[\x20-\x2f]*([\x40-\x7e])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[^[\]])/g;

/** Text with its escape sequences taken out, but for colours, as pieces of the same meaning. */
export const coloured = (line: string): readonly Piece[] => {
  const pieces: Piece[] = [];
  let look: Style | undefined;
  let at = 0;
  for (const match of line.matchAll(ESCAPES)) {
    if (match.index > at) pieces.push({ text: line.slice(at, match.index), style: look });
    at = match.index + match[0].length;
    if (match[2] === 'm') look = lookOf(match[1] ?? '', look);
  }
  if (at < line.length) pieces.push({ text: line.slice(at), style: look });
  return pieces;
};

const FORE: Readonly<Record<number, Style>> = {
  31: style('bad'),
  32: style('good'),
  33: style('warn'),
  34: style('info'),
  35: style('special'),
  36: style('accent'),
  90: style('faint'),
  91: style('bad'),
  92: style('good'),
  93: style('warn'),
  94: style('info'),
  95: style('special'),
  96: style('accent'),
};
const lookOf = (codes: string, before: Style | undefined): Style | undefined => {
  let look = before;
  for (const code of codes.split(';').map(Number)) {
    if (code === 0 || code === 39 || code === 22) look = undefined;
    else if (code === 2) look = style('muted');
    else look = FORE[code] ?? look;
  }
  return look;
};
