/** A line that is being written, in a part of the screen: what does not fit goes out of sight, the cursor does not. */
import { width } from '../../text/width.ts';
import type { Field } from '../app/field.ts';
import { PLAIN, type Style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';
import { fromColumn } from '../overlays/text.ts';

/** Returns the columns used, with that of the cursor at the end. */
export const drawField = (
  surface: Surface,
  x: number,
  y: number,
  { value, caret }: Field,
  look: Style = PLAIN,
  room = surface.width - x,
): number => {
  const before = width(value.slice(0, caret));
  const end = width(value);
  // With the character under the cursor, and the sign for more where there is.
  const seen = before + (before < end ? 3 : 1);
  const gone = Math.max(0, seen - room);
  const [shown = { text: '' }] = fromColumn([{ text: value }], gone);
  surface.text(x, y, shown.text, look, room);
  if (gone > 0) surface.text(x, y, '…', look, 1);
  surface.cursor(x + before - gone, y);
  return Math.min(room, end - gone + 1);
};
