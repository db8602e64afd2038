/** What a screen reader is given of an overlay: its lines as text, without what is only to be looked at. */
import type { Overlay } from '../app/view.ts';
import { Grid } from '../grid/grid.ts';
import { Surface } from '../grid/surface.ts';

const WIDTH = 100;
const HEIGHT = 60;
/** Frames, bars and blocks say nothing when they are read out. */
const DRAWN = /[\u2500-\u259f]+/g;
/** A state is told in words beside its mark. */
const MARK = /^[●○◌⊘✗✓▶■·!] (?=\S)/;

export const spoken = (line: string): string =>
  line.replaceAll(DRAWN, ' ').replaceAll(/ {3,}/g, '  ').trim().replace(MARK, '');

export interface OverlayText {
  readonly lines: readonly string[];
  /** Index of the line that is being written, in `lines`. */
  readonly written: number | undefined;
}

export const overlayText = (overlay: Overlay): OverlayText => {
  const size = overlay.size(WIDTH, HEIGHT);
  const grid = new Grid(Math.max(1, size.width), Math.max(1, size.height));
  overlay.draw(new Surface(grid));
  const rows = grid.toText().split('\n');
  const lines = rows.map(spoken);
  return { lines, written: grid.cursor?.y };
};

/** Lines of `now` that were not among `before`, but for empty ones. */
export const fresh = (before: readonly string[], now: readonly string[]): string[] => {
  const known = new Set(before);
  return now.filter((line) => line !== '' && !known.has(line));
};
