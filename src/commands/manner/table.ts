/** Aligned columns, as wide as the terminal allows. */
import type { Colour, Painter } from './paint.ts';
import { pad, plain, shorten, width } from './text.ts';

export interface Column<T> {
  readonly title: string;
  readonly value: (item: T) => string | number | null | undefined;
  readonly colour?: (item: T) => Colour | undefined;
  readonly align?: 'right';
  /** Its text is shortened where the terminal is too narrow; others keep it whole. */
  readonly gives?: true;
  /**
   * Left out where the others would not have room for names and addresses, the last of these first; `--json` and `show`
   * have it. One that gives as well is shortened before anything is left out.
   */
  readonly spare?: true;
}

const GAP = 2;
/** No column is made narrower than this. */
const NARROWEST = 6;
/** Names and addresses are not longer, but prose is: so much of it is kept before spare columns are left out for it. */
const NAME = 32;
/** Less of a spare column says nothing. */
const SPARE = 12;

/** Lines without their ends; the first holds the titles. */
export const table = <T>(
  items: readonly T[],
  all: readonly Column<T>[],
  { columns: available, paint }: { readonly columns: number; readonly paint: Painter },
): string[] => {
  const { columns, cells, widths } = fitting(items, all, available);
  narrow(widths, columns, available);
  const line = (row: readonly string[], colours: readonly (Colour | undefined)[]): string =>
    row
      .map((text, index) => {
        const shown = shorten(text, widths[index] ?? 0);
        const last = index === row.length - 1 && columns[index]?.align !== 'right';
        const padded = last ? shown : pad(shown, widths[index] ?? 0, columns[index]?.align);
        // The blanks are not painted: a painted line's end would be one colour too long.
        return padded.replace(shown, () => paint(colours[index], shown));
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  return [
    line(
      columns.map(({ title }) => title),
      columns.map(() => 'dim'),
    ),
    ...items.map((item, index) =>
      line(
        cells[index] ?? [],
        columns.map(({ colour }) => colour?.(item)),
      ),
    ),
  ];
};

interface Fitting<T> {
  readonly columns: readonly Column<T>[];
  readonly cells: readonly (readonly string[])[];
  /** Of the text in them, the title too. */
  readonly widths: number[];
}

/** The columns for which there is room. */
const fitting = <T>(items: readonly T[], all: readonly Column<T>[], available: number): Fitting<T> => {
  const measured = all.map((column) => {
    const cells = items.map((item) => cellText(column.value(item)));
    const widest = cells.reduce((most, text) => Math.max(most, width(text)), width(column.title));
    const least = column.gives ? Math.min(column.spare ? SPARE : NAME, widest) : widest;
    return { column, cells, widest, least };
  });
  const least = (): number => measured.reduce((sum, one) => sum + one.least, GAP * (measured.length - 1));
  while (least() > available) {
    const last = measured.findLastIndex(({ column }) => column.spare);
    if (last < 0) break;
    measured.splice(last, 1);
  }
  return {
    columns: measured.map(({ column }) => column),
    cells: items.map((_, row) => measured.map(({ cells }) => cells[row] ?? '')),
    widths: measured.map(({ widest }) => widest),
  };
};

const cellText = (value: string | number | null | undefined): string =>
  value === null || value === undefined || value === '' ? '-' : plain(String(value));

const narrow = <T>(widths: number[], columns: readonly Column<T>[], available: number): void => {
  take(
    widths,
    columns.map(({ gives, spare }) => (gives && spare ? SPARE : Infinity)),
    available,
  );
  take(
    widths,
    columns.map(({ gives }) => (gives ? NARROWEST : Infinity)),
    available,
  );
};

/** From the widest that is above its least, until it fits or none is. */
const take = (widths: number[], least: readonly number[], available: number): void => {
  const total = (): number => widths.reduce((sum, one) => sum + one, 0) + GAP * (widths.length - 1);
  for (let excess = total() - available; excess > 0; excess = total() - available) {
    let widest = -1;
    for (const [index, one] of widths.entries())
      if (one > (least[index] ?? Infinity) && (widest < 0 || one > (widths[widest] ?? 0))) widest = index;
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
};

export type Fact = readonly [
  name: string,
  value: string | number | null | undefined,
  colour?: Colour | undefined,
];

/** `Name  value` lines; what is not known is left out. Values may have several lines. */
export const facts = (rows: readonly Fact[], paint: Painter): string[] => {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const widest = known.reduce((most, [name]) => Math.max(most, width(name)), 0);
  return known.flatMap(([name, value, colour]) =>
    String(value)
      .split('\n')
      .map((line, index) => {
        const label = paint('dim', pad(index === 0 ? name : '', widest));
        return `${label}${' '.repeat(GAP)}${paint(colour, plain(line))}`;
      }),
  );
};
