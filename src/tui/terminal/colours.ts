/** How many colours the terminal has, and the escape sequences of a style in them (ECMA-48 §8.3.117, SGR). */
import { type ExactLook, exactOf, RGB } from '../grid/exact.ts';
import { attributesOf, BOLD, backOf, DIM, foreOf, type Role, type Style, UNDERLINE } from '../grid/style.ts';

export type Depth = 'none' | '16' | '256' | 'true';
type Environment = Readonly<Record<string, string | undefined>>;

/** https://no-color.org: any value that is not empty. */
export const readDepth = (env: Environment, noColor: boolean): Depth => {
  if (noColor || env.NO_COLOR) return 'none';
  if (/^(truecolor|24bit)$/.test(env.COLORTERM ?? '')) return 'true';
  if (/-(direct|truecolor)$/.test(env.TERM ?? '')) return 'true';
  return /256/.test(env.TERM ?? '') || env.TERM_PROGRAM ? '256' : '16';
};

/** As 0xRRGGBB, and the nearest of the terminal's own sixteen; undefined leaves what the terminal has. */
export interface Shade {
  readonly rgb: number;
  readonly basic: number;
}
export type Theme = Readonly<Record<Role, Shade | undefined>>;

/** The cube and the greys of the 256 colours (xterm's 256colres.h). */
export const nearest256 = (rgb: number): number => {
  const [r, g, b] = [(rgb >> 16) & 255, (rgb >> 8) & 255, rgb & 255] as const;
  const step = (value: number): number => (value < 48 ? 0 : value < 115 ? 1 : Math.floor((value - 35) / 40));
  const level = (index: number): number => (index === 0 ? 0 : 55 + index * 40);
  const cube = [step(r), step(g), step(b)] as const;
  const far = (x: number, y: number, z: number): number => (x - r) ** 2 + (y - g) ** 2 + (z - b) ** 2;
  const grey = Math.max(0, Math.min(23, Math.round(((r + g + b) / 3 - 8) / 10)));
  const greyLevel = 8 + grey * 10;
  return far(greyLevel, greyLevel, greyLevel) < far(level(cube[0]), level(cube[1]), level(cube[2]))
    ? 232 + grey
    : 16 + 36 * cube[0] + 6 * cube[1] + cube[2];
};

const code = ({ rgb, basic }: Shade, depth: Depth, base: 30 | 40): string => {
  if (depth === 'true') return `${base + 8};2;${(rgb >> 16) & 255};${(rgb >> 8) & 255};${rgb & 255}`;
  if (depth === '256') return `${base + 8};5;${nearest256(rgb)}`;
  return String(basic < 8 ? base + basic : base + 60 + basic - 8);
};

/** A colour that a program has chosen, in what this terminal has. */
const exactCode = (colour: number, depth: Depth, base: 30 | 40): string[] => {
  if (colour < 0 || depth === 'none') return [];
  if (colour < 16) return [String(colour < 8 ? base + colour : base + 60 + colour - 8)];
  const rgb = colour >= RGB ? colour - RGB : rgb256(colour);
  if (depth === '16') return exactCode(nearest16(rgb), depth, base);
  if (colour < 256) return [`${base + 8};5;${colour}`];
  return [code({ rgb, basic: 0 }, depth, base)];
};

const exactSgr = ({ fore, back, attributes }: ExactLook, depth: Depth): string =>
  `\u001b[${['0', ...attributes, ...exactCode(fore, depth, 30), ...exactCode(back, depth, 40)].join(';')}m`;

/** The reverse of `nearest256`. */
const rgb256 = (index: number): number => {
  if (index >= 232) return (8 + (index - 232) * 10) * 0x10101;
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return (
    (level(Math.floor(cube / 36)) << 16) |
    (level(Math.floor(cube / 6) % 6) << 8) |
    level(Math.floor(cube % 6))
  );
};

/** One bit a colour, and one for bright. */
const nearest16 = (rgb: number): number => {
  const parts = [(rgb >> 16) & 255, (rgb >> 8) & 255, rgb & 255];
  const most = Math.max(...parts);
  if (most < 48) return 0;
  if (Math.min(...parts) > 96 && most - Math.min(...parts) < 32) return most > 192 ? 15 : most > 128 ? 7 : 8;
  const bits = parts.reduce((sum, part, index) => sum + (part > most / 2 ? 1 << index : 0), 0);
  return most > 192 ? 8 + bits : bits;
};

/** Fills that must be seen without colours too are shown in reverse. */
const REVERSED: ReadonlySet<Role> = new Set(['selected', 'accentFill', 'badFill', 'warnFill']);

/** From any style to this one. */
export const sgr = (style: Style, theme: Theme, depth: Depth): string => {
  const exact = exactOf(style);
  if (exact) return exactSgr(exact, depth);
  const codes = ['0'];
  const attributes = attributesOf(style);
  const fore = foreOf(style);
  const back = backOf(style);
  if (attributes & BOLD) codes.push('1');
  if (attributes & UNDERLINE) codes.push('4');
  if (depth === 'none') {
    if (attributes & DIM || fore === 'faint') codes.push('2');
    if (REVERSED.has(back)) codes.push('7');
    // A QR code is read whatever the colours.
    if (fore === 'white' && back === 'black') return '\u001b[0m';
  } else {
    if (attributes & DIM) codes.push('2');
    const [foreShade, backShade] = [theme[fore], theme[back]];
    if (foreShade) codes.push(code(foreShade, depth, 30));
    if (backShade) codes.push(code(backShade, depth, 40));
  }
  return `\u001b[${codes.join(';')}m`;
};
