/** Text for a terminal: how wide it is, shortened, filled up. */
import { eastAsianWidth } from 'get-east-asian-width';

/**
 * One column each, and each a grapheme of its own: Latin, Greek and Cyrillic letters, punctuation, frames. Nearly all
 * that we print is of these, and the first use of Intl.Segmenter takes as long as half of a command.
 */
const NARROW =
  /^[\x20-\x7e\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u0391-\u03a1\u03a3-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u259f]*$/;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

export const isNarrow = (text: string): boolean => NARROW.test(text);

/** Columns that a terminal needs; East Asian wide characters and emoji take two (Unicode UAX #11). */
export const width = (text: string): number => {
  if (NARROW.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segments(text)) columns += segmentWidth(segment);
  return columns;
};

/** At most `columns` wide; what is cut off shows as `…`. */
export const shorten = (text: string, columns: number): string => {
  if (width(text) <= columns) return text;
  if (NARROW.test(text)) return `${text.slice(0, Math.max(0, columns - 1))}…`;
  let left = columns - 1;
  let kept = '';
  for (const { segment } of segments(text)) {
    left -= segmentWidth(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
};

export const pad = (text: string, columns: number, align: 'left' | 'right' = 'left'): string => {
  const blanks = ' '.repeat(Math.max(0, columns - width(text)));
  return align === 'left' ? text + blanks : blanks + text;
};

/** Lines of at most `columns`, broken between words; a word that is longer stays whole, so that it can be copied. */
export const wrap = (text: string, columns: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && width(line) + 1 + width(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};

let segmenter: Intl.Segmenter | undefined;

/** Graphemes: what a person takes for one character (UAX #29). */
export const segments = (text: string): Intl.Segments => {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
};

/** Of one grapheme, as `segments` gives them. */
export const segmentWidth = (segment: string): number => {
  const first = segment.codePointAt(0) ?? 0;
  if (NO_WIDTH.test(String.fromCodePoint(first))) return 0;
  if (/\p{RGI_Emoji}|\ufe0f/v.test(segment)) return 2;
  return eastAsianWidth(first);
};
