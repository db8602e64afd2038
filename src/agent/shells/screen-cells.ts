/** The lines of a buffer as text: written to an empty terminal, from its first column and row, they are there again. */
import type { IBuffer, IBufferCell, IBufferLine } from '@xterm/headless';
import type { CellStyle, ScreenCore } from './screen-core.ts';
import { hasBackground, linkOf, linkSequence, styleKey, styleSequence } from './screen-style.ts';

const CSI = '\u001b[';
const PLAIN: CellStyle = { fg: 0, bg: 0, extended: { ext: 0, urlId: 0 } };

/** @xterm/headless hands out its own cells, which have the words of their style beside what is declared. */
const styleOf = (cell: IBufferCell): CellStyle => cell as unknown as CellStyle;

export class CellWriter {
  readonly #core: ScreenCore;
  readonly #parts: string[] = [];
  #style = styleKey(PLAIN);
  #background = false;
  #link = 0;

  constructor(core: ScreenCore) {
    this.#core = core;
  }

  /** `columns`: of the terminal. Ends with the plain style and the cursor somewhere in the last line. */
  lines(buffer: IBuffer, columns: number): string {
    for (let row = 0; row < buffer.length; row++) {
      const line = buffer.getLine(row)!;
      // Asked for one behind the last, it would answer with the first.
      const next = row + 1 < buffer.length ? buffer.getLine(row + 1) : undefined;
      this.#line(line, columns);
      if (next?.isWrapped) this.#wrap(line, next, columns);
      else if (next) this.#newLine();
    }
    this.#plain();
    return this.#parts.join('');
  }

  /** The cell at the end of a line, written again so that the next character wraps. Empty where there is none. */
  lastCell(line: IBufferLine, columns: number): { readonly text: string; readonly column: number } | null {
    // The wide one first: behind it the emulator may keep another, which is not shown.
    for (const column of [columns - 2, columns - 1]) {
      const cell = line.getCell(column);
      if (!cell || cell.getChars() === '' || cell.getWidth() !== columns - column) continue;
      this.#restyle(styleOf(cell));
      this.#parts.push(cell.getChars());
      this.#plain();
      return { text: this.#parts.splice(0).join(''), column };
    }
    return null;
  }

  #line(line: IBufferLine, columns: number): void {
    let empty = 0;
    for (let column = 0; column < columns; ) {
      const cell = line.getCell(column)!;
      const chars = cell.getChars();
      if (chars === '' && !hasBackground(styleOf(cell))) {
        empty += 1;
        column += 1;
        continue;
      }
      if (empty > 0) this.#parts.push(`${CSI}${empty}C`);
      empty = 0;
      if (chars === '') column += this.#blank(line, column, columns);
      else {
        this.#restyle(styleOf(cell));
        this.#parts.push(chars);
        column += Math.max(1, cell.getWidth());
      }
    }
  }

  #newLine(): void {
    // A line that scrolls in takes the background that is in force.
    if (this.#background) this.#plain();
    this.#parts.push('\r\n');
  }

  /** So that the terminal knows that the line goes on in the next, and joins them when it gets wider. */
  #wrap(line: IBufferLine, next: IBufferLine, columns: number): void {
    const last = line.getCell(columns - 1)!;
    const first = next.getCell(0)!;
    const full = last.getChars() !== '' || last.getWidth() === 0;
    // The cursor stands behind the last column: the next character wraps by itself.
    if (full && first.getChars() !== '' && !hasBackground(styleOf(first))) {
      if (this.#background) this.#restyle(styleOf(first));
      return;
    }
    this.#plain();
    if (full) this.#parts.push(` ${CSI}D${CSI}X`);
    else {
      this.#parts.push(`${CSI}${columns}G  ${CSI}D${CSI}X${CSI}A${CSI}${columns}G`);
      this.#restyle(styleOf(last));
      this.#parts.push(`${CSI}X`);
      this.#plain();
      this.#parts.push(`${CSI}B${CSI}G`);
    }
  }

  /** Empty cells of one background, from `column` on: how many. */
  #blank(line: IBufferLine, column: number, columns: number): number {
    const style = styleOf(line.getCell(column)!);
    const key = styleKey(style);
    this.#restyle(style);
    let count = 1;
    while (column + count < columns) {
      const cell = line.getCell(column + count)!;
      if (cell.getChars() !== '' || cell.getWidth() === 0 || styleKey(styleOf(cell)) !== key) break;
      count += 1;
    }
    this.#parts.push(`${CSI}${count}X`, `${CSI}${count}C`);
    return count;
  }

  #restyle(style: CellStyle): void {
    const key = styleKey(style);
    if (key === this.#style) return;
    if (linkOf(style) !== this.#link) {
      this.#link = linkOf(style);
      this.#parts.push(linkSequence(style, this.#core));
    }
    this.#parts.push(styleSequence(style));
    this.#style = key;
    this.#background = hasBackground(style);
  }

  #plain(): void {
    this.#restyle(PLAIN);
  }
}
