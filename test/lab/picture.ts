/** What a terminal shows, as a picture: cells as squares, in the colours that a person would see. */
import { Terminal } from '@xterm/headless';

export interface Colours {
  readonly background: number;
  readonly foreground: number;
}
export const DARK: Colours = { background: 0x1e1e1e, foreground: 0xd4d4d4 };
export const LIGHT: Colours = { background: 0xfafafa, foreground: 0x383a42 };

/** Columns and rows of pixels in a cell: as narrow as a terminal's, with halves. */
const CELL = { width: 8, height: 16 } as const;

/** The last screen of what was written, as a portable pixmap (PPM, `P6`): what zbarimg(1) and others read. */
export const picture = async (
  written: string,
  size: { readonly cols: number; readonly rows: number },
  colours: Colours,
): Promise<Buffer> => {
  const terminal = new Terminal({ ...size, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(written, resolve));
  const width = size.cols * CELL.width;
  const pixels = Buffer.alloc(width * size.rows * CELL.height * 3);
  const buffer = terminal.buffer.active;
  const paint = (col: number, row: number, from: number, to: number, colour: number): void => {
    for (let y = row * CELL.height + from; y < row * CELL.height + to; y++)
      for (let x = col * CELL.width; x < (col + 1) * CELL.width; x++)
        pixels.writeUIntBE(colour, (y * width + x) * 3, 3);
  };
  const half = CELL.height / 2;
  for (let row = 0; row < size.rows; row++) {
    const line = buffer.getLine(buffer.baseY + row);
    for (let col = 0; col < size.cols; col++) {
      const cell = line?.getCell(col);
      const back =
        cell?.isBgDefault() === false ? palette(cell.getBgColor(), colours.background) : colours.background;
      const fore =
        cell?.isFgDefault() === false ? palette(cell.getFgColor(), colours.foreground) : colours.foreground;
      const glyph = cell?.getChars() || ' ';
      paint(col, row, 0, half, glyph === '█' || glyph === '▀' ? fore : back);
      paint(col, row, half, CELL.height, glyph === '█' || glyph === '▄' ? fore : back);
    }
  }
  terminal.dispose();
  return Buffer.concat([Buffer.from(`P6\n${width} ${size.rows * CELL.height}\n255\n`), pixels]);
};

/** The cube and the greys of the 256 colours (xterm's 256colres.h); the first 16 are the theme's. */
const palette = (index: number, themed: number): number => {
  if (index < 16) return themed;
  if (index >= 232) return 0x010101 * (8 + (index - 232) * 10);
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return (level(Math.floor(cube / 36)) << 16) | (level(Math.floor(cube / 6) % 6) << 8) | level(cube % 6);
};
