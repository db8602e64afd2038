/** What a terminal shows, as a picture: cells as squares, in the colours that a person would see. */
import { Terminal } from '@xterm/headless';

export interface Colours {
  readonly background: number;
  readonly foreground: number;
}
export const DARK: Colours = { background: 0x1e1e1e, foreground: 0xd4d4d4 };
export const LIGHT: Colours = { background: 0xfafafa, foreground: 0x383a42 };

/** Columns and rows of pixels in a cell: as narrow as a terminal's, with halves and thirds. */
const CELL = { width: 12, height: 24 } as const;

/** The last screen of what was written, as a portable pixmap (PPM, `P6`): what zbarimg(1) and others read. */
export const picture = async (
  written: string,
  size: { readonly cols: number; readonly rows: number },
  colours: Colours,
): Promise<Buffer> => {
  const terminal = new Terminal({ ...size, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(written, resolve));
  const found = cellsOf(terminal, colours);
  terminal.dispose();
  return found;
};

/** The same of a terminal as it is now. */
export const cellsOf = (terminal: Terminal, colours: Colours): Buffer => {
  const size = { cols: terminal.cols, rows: terminal.rows };
  const width = size.cols * CELL.width;
  const pixels = Buffer.alloc(width * size.rows * CELL.height * 3);
  const buffer = terminal.buffer.active;
  /** The part of a cell from left to right, from top to bottom. */
  const paint = (col: number, row: number, [left, right, top, bottom]: Part, colour: number): void => {
    for (let y = row * CELL.height + top; y < row * CELL.height + bottom; y++)
      for (let x = col * CELL.width + left; x < col * CELL.width + right; x++)
        pixels.writeUIntBE(colour, (y * width + x) * 3, 3);
  };
  for (let row = 0; row < size.rows; row++) {
    const line = buffer.getLine(buffer.baseY + row);
    for (let col = 0; col < size.cols; col++) {
      const cell = line?.getCell(col);
      const back =
        cell?.isBgDefault() === false ? palette(cell.getBgColor(), colours.background) : colours.background;
      const fore =
        cell?.isFgDefault() === false ? palette(cell.getFgColor(), colours.foreground) : colours.foreground;
      const glyph = cell?.getChars() || ' ';
      paint(col, row, [0, CELL.width, 0, CELL.height], back);
      for (const part of partsOf(glyph)) paint(col, row, part, fore);
    }
  }
  return Buffer.concat([Buffer.from(`P6\n${width} ${size.rows * CELL.height}\n255\n`), pixels]);
};

type Part = readonly [left: number, right: number, top: number, bottom: number];

const { width: WIDE, height: HIGH } = CELL;
const BLOCKS: Readonly<Record<string, Part>> = {
  '█': [0, WIDE, 0, HIGH],
  '▀': [0, WIDE, 0, HIGH / 2],
  '▄': [0, WIDE, HIGH / 2, HIGH],
  '▌': [0, WIDE / 2, 0, HIGH],
  '▐': [WIDE / 2, WIDE, 0, HIGH],
};

/** What of a cell a glyph fills; of letters nothing. */
const partsOf = (glyph: string): readonly Part[] => {
  const block = BLOCKS[glyph];
  if (block) return [block];
  // Sextants: "Symbols for Legacy Computing", U+1FB00 to U+1FB3B, by the code chart.
  const at = (glyph.codePointAt(0) ?? 0) - 0x1fb00;
  if (at < 0 || at > 0x3b) return [];
  const value = at + 1 + (at >= 20 ? 1 : 0) + (at >= 40 ? 1 : 0);
  const third = HIGH / 3;
  return [0, 1, 2, 3, 4, 5]
    .filter((bit) => value & (1 << bit))
    .map((bit): Part => {
      const [left, top] = [(bit % 2) * (WIDE / 2), Math.floor(bit / 2) * third];
      return [left, left + WIDE / 2, top, top + third];
    });
};

/** The cube and the greys of the 256 colours (xterm's 256colres.h); the first 16 are the theme's. */
const palette = (index: number, themed: number): number => {
  if (index < 16) return themed;
  if (index >= 232) return 0x010101 * (8 + (index - 232) * 10);
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return (level(Math.floor(cube / 36)) << 16) | (level(Math.floor(cube / 6) % 6) << 8) | level(cube % 6);
};
