/** Texts of the wall: short, in fixed columns, safe for a terminal. */
import { plain } from '../../text/plain.ts';
import { bytes } from '../../text/size.ts';
import { isNarrow, pad, segments, segmentWidth, shorten } from '../../text/width.ts';
import { standIn } from './stand-ins.ts';

/** Exactly so many columns, one UTF-16 unit each. What comes from outside is never taken for blessed's own tags ({bold}). */
export const inColumns = (text: string, columns: number): string => {
  const fitted = pad(shorten(plain(text), columns), columns)
    .replaceAll('{', '(')
    .replaceAll('}', ')');
  if (isNarrow(fitted)) return fitted;
  let drawn = '';
  for (const { segment } of segments(fitted)) {
    if (isNarrow(segment)) drawn += segment;
    else if (segmentWidth(segment) > 0) drawn += standIn(segment);
  }
  return drawn;
};

/** `████░░░░`, so many columns for 100 percent. */
export const bar = (percent: number, width: number): string => {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
};

export const rate = (bytesPerSecond: number): string => `${bytes(bytesPerSecond)}/s`;

export interface Unit {
  readonly name: string;
  readonly size: number;
}
const UNITS: readonly Unit[] = [
  { name: 'GiB/s', size: 2 ** 30 },
  { name: 'MiB/s', size: 2 ** 20 },
  { name: 'KiB/s', size: 2 ** 10 },
];

/** For a scale in whole numbers: the largest of which there are ten. */
export const rateUnit = (most: number): Unit =>
  UNITS.find(({ size }) => most >= 10 * size) ?? { name: 'B/s', size: 1 };

/** `14:03:22`, of this machine's time zone: it hangs on its wall. */
export const clock = (at: number): string => new Date(at).toTimeString().slice(0, 8);
