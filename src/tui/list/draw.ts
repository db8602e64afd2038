/** A list as lines: titles, rows, what is selected, how far down one is. */
import { width, wrap } from '../../text/width.ts';
import { BOLD, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';
import { type Placement, placeColumns } from './columns.ts';
import type { ListModel } from './model.ts';

const TITLE = style('muted', 'page', BOLD);
const SORTED = style('accent', 'page', BOLD);
/** Before each row: whether it is selected. */
const MARGIN = 2;

export interface ListLook {
  /** The cursor is shown as one's own. */
  readonly focus: boolean;
  /** Said where there is nothing: lines, the last what to do about it. */
  readonly empty: readonly string[];
  /** Ids of columns that the user does not want. */
  readonly hidden?: ReadonlySet<string>;
}

export const drawList = <T>(
  surface: Surface,
  list: ListModel<T>,
  { focus, empty, hidden }: ListLook,
): void => {
  const columns = list.options.columns.filter(({ id }) => !hidden?.has(id));
  const placed = placeColumns(columns, surface.width - MARGIN - 1);
  drawTitles(surface, placed, list);
  const room = surface.height - 1;
  const { items, offset } = list.window(room);
  if (items.length === 0) {
    const said =
      list.filter === '' ? empty : [`Nothing matches “${list.filter}”.`, 'Esc takes the filter away.'];
    const lines = said.flatMap((line, index) =>
      wrap(line, surface.width - 2 * MARGIN).map((text) => ({ text, last: index === said.length - 1 })),
    );
    for (const [index, { text, last }] of lines.entries())
      surface.text(MARGIN, 2 + index, text, style(last ? 'muted' : 'text'));
    return;
  }
  for (const [index, item] of items.entries()) {
    const y = 1 + index;
    const marked = list.marks.has(list.options.id(item));
    if (marked) surface.text(0, y, '▌', style('accent'));
    for (const { column, x, width: columns } of placed)
      drawCell(surface, column, x + MARGIN, y, columns, item);
    if (focus && offset + index === list.index) surface.tint(y, 'selected');
  }
  drawScrollbar(surface, room, list.shown().length, offset);
};

const drawTitles = <T>(surface: Surface, placed: readonly Placement<T>[], list: ListModel<T>): void => {
  for (const { column, x, width: columns } of placed) {
    const sorted = list.sortColumn === column.id;
    const text = sorted ? `${column.title}${list.descending ? '▼' : '▲'}` : column.title;
    const start = column.align === 'right' ? Math.max(0, columns - width(text)) : 0;
    surface.text(MARGIN + x + start, 0, text, sorted ? SORTED : TITLE, columns - start);
  }
};

const drawCell = <T>(
  surface: Surface,
  column: Placement<T>['column'],
  x: number,
  y: number,
  columns: number,
  item: T,
) => {
  if (column.draw) return column.draw(surface, x, y, columns, item);
  const text = column.text(item);
  const start = column.align === 'right' ? Math.max(0, columns - width(text)) : 0;
  surface.text(
    x + start,
    y,
    text === '' ? '-' : text,
    column.style?.(item) ?? style(text === '' ? 'faint' : 'text'),
    columns - start,
  );
};

const drawScrollbar = (surface: Surface, room: number, total: number, offset: number): void => {
  if (total <= room || room < 3) return;
  const size = Math.max(1, Math.round((room * room) / total));
  const top = Math.round((offset / (total - room)) * (room - size));
  for (let row = 0; row < room; row++) {
    const inside = row >= top && row < top + size;
    surface.text(surface.width - 1, 1 + row, inside ? '█' : '│', style(inside ? 'muted' : 'faint'));
  }
};
