/** A frame with a title, and the surface within. */
import { BOLD, type Style, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export interface PanelLook {
  readonly title?: string | undefined;
  /** On the right of the title's line. */
  readonly note?: string | undefined;
  readonly focus?: boolean;
  readonly line?: Style;
}

export const panel = (surface: Surface, { title, note, focus, line }: PanelLook = {}): Surface => {
  const { width, height } = surface;
  const ink = line ?? style(focus ? 'accent' : 'faint');
  if (width < 4 || height < 3) return surface;
  surface.text(0, 0, `╭${'─'.repeat(width - 2)}╮`, ink);
  for (let y = 1; y < height - 1; y++) {
    surface.text(0, y, '│', ink);
    surface.text(width - 1, y, '│', ink);
  }
  surface.text(0, height - 1, `╰${'─'.repeat(width - 2)}╯`, ink);
  if (title) surface.text(2, 0, ` ${title} `, style(focus ? 'accent' : 'text', 'page', BOLD), width - 4);
  if (note && note.length + (title?.length ?? 0) + 8 < width)
    surface.text(width - note.length - 4, 0, ` ${note} `, style('muted'));
  return surface.sub(2, 1, width - 4, height - 2);
};
