/** A text as a QR code in as large letters as fit, white on black whatever the theme. */
import { halfBlocks, sextants } from '../../qr/blocks.ts';
import { qrModules } from '../../qr/matrix.ts';
import { width } from '../../text/width.ts';
import { style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export interface Qr {
  readonly lines: readonly string[];
  readonly columns: number;
}

export interface QrSizes {
  readonly large: Qr;
  /** Sextants: for terminals that are small for the other. */
  readonly small: Qr;
}

const of = (lines: readonly string[]): Qr => ({ lines, columns: width(lines[0] ?? '') });

export const qrOf = (text: string): QrSizes => {
  const modules = qrModules(text);
  return { large: of(halfBlocks(modules)), small: of(sextants(modules)) };
};

export const fittingQr = ({ large, small }: QrSizes, columns: number, lines: number): Qr | undefined =>
  [large, small].find((qr) => qr.columns <= columns && qr.lines.length <= lines);

/** In the middle; where none fits, what it takes. */
export const drawQr = (surface: Surface, sizes: QrSizes): void => {
  const qr = fittingQr(sizes, surface.width, surface.height);
  if (!qr) {
    const { columns, lines } = sizes.small;
    surface.text(
      0,
      0,
      `The QR code takes ${columns} × ${lines.length} here: enlarge the terminal to see it.`,
      style('warn'),
    );
    return;
  }
  const left = Math.floor((surface.width - qr.columns) / 2);
  for (const [y, line] of qr.lines.entries()) surface.text(left, y, line, style('white', 'black'));
};
