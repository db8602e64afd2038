/** A text as a QR code (ISO/IEC 18004) of half blocks, black on white whatever the theme. */
import qrcode from 'qrcode-terminal';
import { style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

/** Light modules are drawn, dark ones left out, with a quiet zone of two modules. */
export const qrLines = (text: string): string[] => {
  let drawn = '';
  qrcode.generate(text, { small: true }, (code) => {
    drawn = code;
  });
  return drawn
    .trimEnd()
    .split('\n')
    .map((line, at) => `█${at === 0 ? line.replaceAll('▄', '█') : line}█`);
};

export const drawQr = (surface: Surface, lines: readonly string[]): void => {
  for (const [y, line] of lines.entries()) surface.text(0, y, line, style('white', 'black'));
};
