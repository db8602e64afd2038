/** Measurements over time as an area, an eighth of a line fine; and as one line beside a name. */
import { type Style, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export interface Point {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly value: number;
}

const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** The average of each of so many parts of the span; undefined where nothing was measured. */
export const buckets = (
  points: readonly Point[],
  { since, until, count }: { readonly since: number; readonly until: number; readonly count: number },
): (number | undefined)[] => {
  const sums = new Float64Array(count);
  const counts = new Uint32Array(count);
  for (const { at, value } of points) {
    if (at < since || at > until) continue;
    const index = Math.min(count - 1, Math.floor(((at - since) / Math.max(1, until - since)) * count));
    sums[index]! += value;
    counts[index]!++;
  }
  const found = Array.from(sums, (sum, index) => (counts[index] ? sum / counts[index]! : undefined));
  // Measurements each 30 s leave holes where the parts are finer; a hole of up to two minutes is no gap.
  const part = (until - since) / count;
  const reach = Math.ceil(120_000 / Math.max(1, part));
  return found.map((value, index) => {
    if (value !== undefined) return value;
    for (let back = 1; back <= reach && index - back >= 0; back++)
      if (found[index - back] !== undefined) return found[index - back];
    return undefined;
  });
};

/** Fills the surface; `most` is its upper edge. */
export const drawArea = (
  surface: Surface,
  values: readonly (number | undefined)[],
  most: number,
  look: (share: number) => Style,
): void => {
  const { width, height } = surface;
  for (let x = 0; x < Math.min(width, values.length); x++) {
    const value = values[x];
    if (value === undefined) {
      surface.text(x, height - 1, '·', style('faint'));
      continue;
    }
    const share = most <= 0 ? 0 : Math.max(0, Math.min(1, value / most));
    // What was measured as nothing is seen as measured.
    const eighths = Math.max(1, Math.round(share * height * 8));
    for (let row = 0; row < height; row++) {
      const here = Math.max(0, Math.min(8, eighths - row * 8));
      if (here > 0) surface.text(x, height - 1 - row, EIGHTHS[here] ?? ' ', look(share));
    }
  }
};

/** Bytes of 0 to 100; 255 where nothing was measured. */
export const drawSpark = (
  surface: Surface,
  x: number,
  y: number,
  width: number,
  values: Uint8Array,
): void => {
  const shown = values.subarray(Math.max(0, values.length - width));
  for (let i = 0; i < shown.length; i++) {
    const value = shown[i] ?? 255;
    if (value === 255) continue;
    surface.text(
      x + width - shown.length + i,
      y,
      EIGHTHS[1 + Math.min(7, Math.floor(value / 12.6))] ?? ' ',
      shareLook(value / 100),
    );
  }
};

/** How bad it is to be that full. */
export const shareLook = (share: number): Style =>
  style(share >= 0.9 ? 'bad' : share >= 0.75 ? 'warn' : 'accent');

/** A bar of blocks, an eighth of a column fine. */
export const drawBar = (
  surface: Surface,
  x: number,
  y: number,
  width: number,
  share: number,
  look = shareLook(share),
): void => {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * width * 8);
  const full = Math.floor(eighths / 8);
  surface.text(x, y, '█'.repeat(full), look);
  const rest = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? ' ';
  if (rest !== ' ') surface.text(x + full, y, rest, look);
  const used = full + (rest === ' ' ? 0 : 1);
  surface.text(x + used, y, '·'.repeat(Math.max(0, width - used)), style('faint'));
};
