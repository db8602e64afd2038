/** The style of a cell as SGR (ECMA-48 §8.3.117; colon forms: ITU T.416, as xterm and kitty take them). */
import type { CellStyle, ScreenCore } from './screen-core.ts';

const ESC = '\u001b';
// common/buffer/Constants.ts of xterm.js
const COLOUR_MODE = 0x3000000;
const PALETTE_16 = 0x1000000;
const PALETTE_256 = 0x2000000;
const RGB = 0x3000000;
const FG_FLAGS: readonly (readonly [number, number])[] = [
  [0x8000000, 1],
  [0x10000000, 4],
  [0x20000000, 5],
  [0x4000000, 7],
  [0x40000000, 8],
  [0x80000000, 9],
];
const BG_FLAGS: readonly (readonly [number, number])[] = [
  [0x8000000, 2],
  [0x4000000, 3],
  [0x40000000, 53],
];
const UNDERLINE = 0x10000000;
const EXTENDED = 0x10000000;
/** What DECSCA protects from DECSEL has no part in how it looks. */
const PROTECTED = 0x20000000;
const UNDERLINE_STYLE_AT = 26;
const UNDERLINE_STYLE = 0x7;
const DASHED = 5;

/** Equal for cells that look the same. */
export const styleKey = ({ fg, bg, extended }: CellStyle): string =>
  `${visible(fg)},${visible(bg & ~PROTECTED)},${bg & EXTENDED ? visible(extended.ext) : 0},${bg & EXTENDED ? extended.urlId : 0}`;

/** A word without what an earlier colour left in the bits that the mode of the present one has no use for. */
export const visible = (word: number): number => {
  const mode = word & COLOUR_MODE;
  return mode === RGB ? word : word & (mode === 0 ? ~0xffffff : ~0xffff00);
};

/** Does an empty cell of that style look like no cell at all? */
export const hasBackground = ({ bg }: CellStyle): boolean => (bg & COLOUR_MODE) !== 0;

/** From any style to this one. */
export function styleSequence(style: CellStyle): string {
  const { fg, bg, extended } = style;
  const set: (string | number)[] = [0];
  for (const [flag, code] of FG_FLAGS) if (fg & flag && flag !== UNDERLINE) set.push(code);
  for (const [flag, code] of BG_FLAGS) if (bg & flag) set.push(code);
  const underline = bg & EXTENDED ? (extended.ext >> UNDERLINE_STYLE_AT) & UNDERLINE_STYLE : 0;
  // A link is drawn with dashes, whatever its style; that comes with the link.
  const ofLink = (bg & EXTENDED) !== 0 && extended.urlId !== 0 && underline === DASHED;
  if (underline > 1 && !ofLink) set.push(`4:${underline}`);
  else if (fg & UNDERLINE) set.push(4);
  pushColour(set, fg, 38, 30, 90);
  pushColour(set, bg, 48, 40, 100);
  if (bg & EXTENDED && (extended.ext & COLOUR_MODE) !== 0) pushColour(set, extended.ext, 58, 0, 0);
  return `${ESC}[${set.join(';')}m`;
}

function pushColour(
  set: (string | number)[],
  word: number,
  extended: number,
  dark: number,
  bright: number,
): void {
  const mode = word & COLOUR_MODE;
  const index = word & 0xff;
  if (mode === RGB) {
    const [red, green, blue] = [(word >>> 16) & 0xff, (word >>> 8) & 0xff, index];
    // The semicolon form is understood by more terminals; the colour of underlines has no such form.
    set.push(extended === 58 ? `58:2::${red}:${green}:${blue}` : `${extended};2;${red};${green};${blue}`);
  } else if (mode === PALETTE_256 || (mode === PALETTE_16 && (index > 15 || extended === 58))) {
    set.push(extended === 58 ? `58:5:${index}` : `${extended};5;${index}`);
  } else if (mode === PALETTE_16) set.push(index & 8 ? bright + (index & 7) : dark + (index & 7));
}

/** OSC 8: what follows leads to where the cell does; nowhere where it has no link. */
export function linkSequence({ bg, extended }: CellStyle, core: ScreenCore): string {
  const link = bg & EXTENDED && extended.urlId ? core._oscLinkService.getLinkData(extended.urlId) : undefined;
  if (!link) return `${ESC}]8;;${ESC}\\`;
  return `${ESC}]8;${link.id === undefined ? '' : `id=${link.id}`};${link.uri}${ESC}\\`;
}

export const linkOf = ({ bg, extended }: CellStyle): number => (bg & EXTENDED ? extended.urlId : 0);
