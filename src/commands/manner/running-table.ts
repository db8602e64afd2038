/** A table that grows line by line: columns only ever become wider, and the titles come again on each new screen. */
import type { Output } from './output.ts';
import type { Column } from './table.ts';
import { pad, plain, width } from './text.ts';

export type RunningColumn<T> = Pick<Column<T>, 'title' | 'value' | 'align' | 'colour'> & {
  /** Columns that it takes from the beginning. */
  readonly least?: number;
};

export class RunningTable<T> {
  readonly #out: Output;
  readonly #columns: readonly RunningColumn<T>[];
  readonly #widths: number[];
  #rows = 0;

  constructor(out: Output, columns: readonly RunningColumn<T>[]) {
    this.#out = out;
    this.#columns = columns;
    this.#widths = columns.map(({ title, least = 0 }) => Math.max(least, width(title)));
  }

  add(item: T): void {
    const { paint, terminal } = this.#out;
    const cells = this.#columns.map(({ value }) => {
      const found = value(item);
      return found === null || found === undefined || found === '' ? '-' : plain(String(found));
    });
    for (const [index, cell] of cells.entries())
      this.#widths[index] = Math.max(this.#widths[index] ?? 0, width(cell));
    if (this.#rows % Math.max(10, terminal.height - 2) === 0 || this.#rows === 0)
      this.#out.line(paint('dim', this.#line(this.#columns.map(({ title }) => title))));
    this.#rows++;
    this.#out.line(this.#line(cells, item));
  }

  #line(cells: readonly string[], item?: T): string {
    return cells
      .map((cell, index) => {
        const column = this.#columns[index];
        const last = index === cells.length - 1 && column?.align !== 'right';
        const padded = last ? cell : pad(cell, this.#widths[index] ?? 0, column?.align);
        const colour = item === undefined ? undefined : column?.colour?.(item);
        return padded.replace(cell, () => this.#out.paint(colour, cell));
      })
      .join('  ')
      .trimEnd();
  }
}

/** Of something that just happened: the time of day here on a terminal, RFC 3339 otherwise. */
export const clockTime = (out: Output, moment: string): string => {
  if (!out.terminal.interactive) return moment;
  const date = new Date(moment);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
};
