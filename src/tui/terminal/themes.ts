/** What the roles look like on a dark and on a light background. */
import type { Shade, Theme } from './colours.ts';

const shade = (rgb: number, basic: number): Shade => ({ rgb, basic });

export const DARK: Theme = {
  text: undefined,
  muted: shade(0x9aa4b2, 7),
  faint: shade(0x6f7a87, 8),
  accent: shade(0x5cc8d7, 14),
  good: shade(0x7bc275, 10),
  warn: shade(0xe2b64f, 11),
  bad: shade(0xf0716f, 9),
  info: shade(0x79a8f0, 12),
  special: shade(0xc792e0, 13),
  onAccent: shade(0x10161c, 0),
  page: undefined,
  bar: shade(0x1f2730, 0),
  selected: shade(0x2c4152, 4),
  accentFill: shade(0x5cc8d7, 6),
  badFill: shade(0xf0716f, 1),
  warnFill: shade(0xe2b64f, 3),
  black: shade(0x000000, 0),
  white: shade(0xffffff, 15),
};

export const LIGHT: Theme = {
  text: undefined,
  muted: shade(0x57606a, 8),
  faint: shade(0x8a939c, 7),
  accent: shade(0x0b7285, 6),
  good: shade(0x2b7a2f, 2),
  warn: shade(0x8f6400, 3),
  bad: shade(0xb8322f, 1),
  info: shade(0x2357b0, 4),
  special: shade(0x7b3aa0, 5),
  onAccent: shade(0xffffff, 15),
  page: undefined,
  bar: shade(0xe8ecf0, 15),
  selected: shade(0xcfe3f2, 14),
  accentFill: shade(0x0b7285, 6),
  badFill: shade(0xb8322f, 1),
  warnFill: shade(0x8f6400, 3),
  black: shade(0x000000, 0),
  white: shade(0xffffff, 15),
};

/** Of the answer to OSC 11 (xterm: what the background is), `rgb:RRRR/GGGG/BBBB`. Undefined where it is something else. */
export const isLight = (report: string): boolean | undefined => {
  const match = /rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})/i.exec(report);
  if (!match) return undefined;
  const [r, g, b] = match.slice(1).map((part) => Number.parseInt(part, 16) / (16 ** part.length - 1));
  // ITU-R BT.601 luma.
  return 0.299 * (r ?? 0) + 0.587 * (g ?? 0) + 0.114 * (b ?? 0) > 0.5;
};

/** rxvt, Konsole and others say it in COLORFGBG, `15;0`. */
export const lightByEnvironment = (text: string | undefined): boolean | undefined => {
  const back = Number(text?.split(';').at(-1) ?? Number.NaN);
  return Number.isNaN(back) ? undefined : back === 7 || back >= 9;
};
