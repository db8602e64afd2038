/** A rectangle of the grid to draw into; what does not fit is cut off. */
import { segments, segmentWidth } from '../../text/width.ts';
import type { Grid } from './grid.ts';
import { PLAIN, type Role, type Style, withBack } from './style.ts';

const ASCII = /^[\x20-\x7e]*$/;
/** What others wrote may not control the terminal, nor turn its direction around. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const JOINED = /\p{RGI_Emoji}/v;

export interface Piece {
  readonly text: string;
  readonly style?: Style | undefined;
}

export class Surface {
  readonly width: number;
  readonly height: number;
  /** In the grid. */
  readonly left: number;
  readonly top: number;
  readonly #grid: Grid;

  constructor(grid: Grid, left = 0, top = 0, width = grid.width, height = grid.height) {
    this.#grid = grid;
    this.left = left;
    this.top = top;
    this.width = Math.max(0, Math.min(width, grid.width - left));
    this.height = Math.max(0, Math.min(height, grid.height - top));
  }

  sub(x: number, y: number, width = this.width - x, height = this.height - y): Surface {
    const left = Math.max(0, x);
    const top = Math.max(0, y);
    return new Surface(
      this.#grid,
      this.left + left,
      this.top + top,
      Math.min(width, this.width - left),
      Math.min(height, this.height - top),
    );
  }

  /**
   * Writes into one line and returns the columns used, at most `most`; what is cut off shows as `…`. Controls become
   * blanks or `�`.
   */
  text(x: number, y: number, text: string, style: Style = PLAIN, most = this.width - x): number {
    if (y < 0 || y >= this.height || x >= this.width || x < 0) return 0;
    const room = Math.min(most, this.width - x);
    if (room <= 0) return 0;
    return ASCII.test(text) ? this.#ascii(x, y, text, style, room) : this.#wide(x, y, text, style, room);
  }

  #ascii(x: number, y: number, text: string, style: Style, room: number): number {
    const start = (this.top + y) * this.#grid.width + this.left + x;
    const fits = text.length <= room;
    const count = fits ? text.length : room;
    this.#breakBefore(start);
    for (let i = 0; i < count; i++) this.#put(start + i, fits || i < count - 1 ? text.charAt(i) : '…', style);
    this.#breakAfter(start + count);
    return count;
  }

  #wide(x: number, y: number, text: string, style: Style, room: number): number {
    const row = (this.top + y) * this.#grid.width + this.left + x;
    this.#breakBefore(row);
    let at = 0;
    let lastStart = -1;
    for (const { segment } of segments(text)) {
      const shown =
        CONTROL.test(segment) && !JOINED.test(segment) ? (/\s/.test(segment) ? ' ' : '�') : segment;
      const columns = segmentWidth(shown);
      if (columns === 0) continue;
      if (at + columns > room) {
        // The sign for "there is more" takes the last column, and what stands there goes.
        const last = at < room ? at : lastStart;
        this.#put(row + last, '…', style);
        for (let i = last + 1; i < room; i++) this.#put(row + i, ' ', style);
        at = room;
        break;
      }
      this.#put(row + at, shown, style);
      if (columns === 2) this.#put(row + at + 1, '', style);
      lastStart = at;
      at += columns;
    }
    this.#breakAfter(row + at);
    return at;
  }

  /** One character whose width is known, 1 or 2; nothing of it is checked. */
  cell(x: number, y: number, char: string, columns: number, style: Style): void {
    if (x < 0 || y < 0 || x + columns > this.width || y >= this.height) return;
    const at = (this.top + y) * this.#grid.width + this.left + x;
    this.#put(at, char, style);
    if (columns === 2) this.#put(at + 1, '', style);
  }

  #put(index: number, char: string, style: Style): void {
    this.#grid.chars[index] = char;
    this.#grid.styles[index] = style;
  }

  /** What is written next begins in the second half of a wide character: its first half goes. */
  #breakBefore(index: number): void {
    const { chars, width } = this.#grid;
    if (chars[index] === '' && index % width !== 0) chars[index - 1] = ' ';
  }

  /** What was written ended in the first half of one: its second half goes. */
  #breakAfter(index: number): void {
    const { chars } = this.#grid;
    if (chars[index] === '') chars[index] = ' ';
  }

  /** One after another; returns the columns used. */
  pieces(x: number, y: number, pieces: readonly Piece[], most = this.width - x): number {
    let at = 0;
    for (const { text, style } of pieces) at += this.text(x + at, y, text, style ?? PLAIN, most - at);
    return at;
  }

  fill(x: number, y: number, width: number, height: number, style: Style, char = ' '): void {
    for (let row = Math.max(0, y); row < Math.min(y + height, this.height); row++) {
      const start = (this.top + row) * this.#grid.width + this.left;
      const end = Math.min(this.width, x + width);
      if (end <= Math.max(0, x)) continue;
      this.#breakBefore(start + Math.max(0, x));
      for (let column = Math.max(0, x); column < end; column++) this.#put(start + column, char, style);
      if (this.left + end < this.#grid.width) this.#breakAfter(start + end);
    }
  }

  /** What is behind a line changes; the letters keep their colour. */
  tint(y: number, back: Role, x = 0, width = this.width - x): void {
    if (y < 0 || y >= this.height) return;
    const start = (this.top + y) * this.#grid.width + this.left;
    for (let column = x; column < Math.min(this.width, x + width); column++)
      this.#grid.styles[start + column] = withBack(this.#grid.styles[start + column] ?? PLAIN, back);
  }

  cursor(x: number, y: number): void {
    if (x < this.width && y < this.height) this.#grid.cursor = { x: this.left + x, y: this.top + y };
  }
}
