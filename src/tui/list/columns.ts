/** Columns of a list, and how wide they are: by the terminal's width alone, so that they stand still while rows come and go. */
import type { Style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export interface Column<T> {
  readonly id: string;
  readonly title: string;
  /** Columns that it takes at least, and what share of what is left it gets. */
  readonly width: number;
  readonly grow?: number;
  readonly align?: 'right';
  /** Lower ones go first where the terminal is too narrow; those without one stay. */
  readonly keep?: number;
  readonly text: (item: T) => string;
  readonly style?: (item: T) => Style | undefined;
  /** Draws what is more than text. */
  readonly draw?: (surface: Surface, x: number, y: number, width: number, item: T) => void;
  /** What it is ordered by; the text unless told. */
  readonly order?: (item: T) => string | number;
}

export interface Placement<T> {
  readonly column: Column<T>;
  readonly x: number;
  readonly width: number;
}

const GAP = 2;

export const placeColumns = <T>(columns: readonly Column<T>[], available: number): Placement<T>[] => {
  let shown = [...columns];
  const total = (): number => shown.reduce((sum, { width }) => sum + width, 0) + GAP * (shown.length - 1);
  while (total() > available) {
    const first = shown.reduce<Column<T> | undefined>(
      (least, column) =>
        column.keep !== undefined && (least?.keep === undefined || column.keep < least.keep) ? column : least,
      undefined,
    );
    if (!first) break;
    shown = shown.filter((column) => column !== first);
  }
  const spare = Math.max(0, available - total());
  const shares = shown.reduce((sum, { grow = 0 }) => sum + grow, 0);
  let x = 0;
  let given = 0;
  let counted = 0;
  return shown.map((column) => {
    counted += column.grow ?? 0;
    const upTo = shares === 0 ? 0 : Math.floor((spare * counted) / shares);
    const width = column.width + upTo - given;
    given = upTo;
    const placement = { column, x, width };
    x += width + GAP;
    return placement;
  });
};
