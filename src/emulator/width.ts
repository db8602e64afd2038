/**
 * How wide a terminal emulator of ours takes a character for: as the C library of the programs in it does, which place
 * the cursor by that (wcwidth(3)). That of xterm.js is of Unicode 6, where emoji took one column.
 */
import type { IUnicodeVersionProvider, Terminal } from '@xterm/headless';
import { eastAsianWidth } from 'get-east-asian-width';

const NAME = 'borealis';
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]$/u;
const SOFT_HYPHEN = 0xad;
/** Up to here all are one column wide but for controls. */
const LATIN_END = 0x300;
/** The planes in which characters are. */
const KNOWN = 0x20000;

let widths: Uint8Array | undefined;

const widthOf = (codepoint: number): 0 | 1 | 2 => {
  if (codepoint < LATIN_END) return codepoint < 0x20 || (codepoint >= 0x7f && codepoint < 0xa0) ? 0 : 1;
  if (codepoint >= KNOWN) return measured(codepoint);
  widths ??= new Uint8Array(KNOWN).fill(NOT_YET);
  const known = widths[codepoint];
  if (known !== undefined && known !== NOT_YET) return known as 0 | 1 | 2;
  const found = measured(codepoint);
  widths[codepoint] = found;
  return found;
};
const NOT_YET = 3;

const measured = (codepoint: number): 0 | 1 | 2 => {
  if (codepoint !== SOFT_HYPHEN && NO_WIDTH.test(String.fromCodePoint(codepoint))) return 0;
  return eastAsianWidth(codepoint) === 2 ? 2 : 1;
};

/** As xterm.js packs them: width, and whether it belongs to the character before it. */
const packed = (width: number, joins: boolean): number => (width << 1) | (joins ? 1 : 0);
const widthIn = (properties: number): number => (properties >> 1) & 3;

const provider: IUnicodeVersionProvider = {
  version: NAME,
  wcwidth: widthOf,
  charProperties(codepoint, preceding) {
    const width = widthOf(codepoint);
    const before = widthIn(preceding);
    const joins = width === 0 && before !== 0;
    return packed(joins ? before : width, joins);
  },
};

export const setWidths = (terminal: Terminal): void => {
  terminal.unicode.register(provider);
  terminal.unicode.activeVersion = NAME;
};
