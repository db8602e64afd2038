/** Texts of the wall: short, in fixed columns, safe for a terminal. */
import { plain } from '../../text/plain.ts';
import { bytes } from '../../text/size.ts';
import { pad, shorten } from '../../text/width.ts';

/** Exactly so many columns. What comes from outside is never taken for blessed's own tags ({bold}). */
export const inColumns = (text: string, columns: number): string =>
  pad(shorten(plain(text).replaceAll('{', '(').replaceAll('}', ')'), columns), columns);

/** `████░░░░`, so many columns for 100 percent. */
export const bar = (percent: number, width: number): string => {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
};

export const rate = (bytesPerSecond: number): string => `${bytes(bytesPerSecond)}/s`;

/** `14:03:22`, of this machine's time zone: it hangs on its wall. */
export const clock = (at: number): string => new Date(at).toTimeString().slice(0, 8);
