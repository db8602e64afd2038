/** What a terminal shows, as SVG: a cell is a cell, in the colours that a person would see. */
import type xterm from '@xterm/headless';
import { type Shape, shapeOf } from './picture-shapes.ts';

type Terminal = InstanceType<typeof xterm.Terminal>;
export interface Paper {
  readonly background: string;
  readonly foreground: string;
}
export const DARK: Paper = { background: '#14191f', foreground: '#d7dde4' };
export const LIGHT: Paper = { background: '#ffffff', foreground: '#24292f' };

/** Pixels of a cell: the width of DejaVu Sans Mono and Menlo is 0.602 of their size. */
const CELL = { width: 8.428, height: 17 };
const MARGIN = 10;
/** Beyond what every font has in the width of its own letters. */
const UNLIKE = /[^\x20-\x7e\u00a0-\u024f\u2013-\u2026]/;
/** The sixteen colours of the terminal itself. */
const BASIC = [
  '#000000',
  '#c0392b',
  '#2e9e4f',
  '#b58900',
  '#2f6fb5',
  '#8e44ad',
  '#1f8f9f',
  '#c8ccd0',
  '#5c6672',
  '#f0716f',
  '#7bc275',
  '#e2b64f',
  '#79a8f0',
  '#c792e0',
  '#5cc8d7',
  '#ffffff',
];

export const pictureOf = (terminal: Terminal, paper: Paper, title: string): string => {
  const { cols, rows } = terminal;
  const width = cols * CELL.width + 2 * MARGIN;
  const height = rows * CELL.height + 2 * MARGIN;
  const parts: string[] = [];
  const buffer = terminal.buffer.active;
  for (let row = 0; row < rows; row++) {
    const line = buffer.getLine(buffer.baseY + row);
    if (!line) continue;
    const y = MARGIN + row * CELL.height;
    for (let col = 0; col < cols; ) {
      const look = lookAt(line, col, paper);
      const first = line.getCell(col)?.getChars() ?? '';
      const shape = shapeOf(first);
      let end = col;
      let text = '';
      while (end < cols && sameLook(lookAt(line, end, paper), look)) {
        const cell = line.getCell(end);
        const char = cell?.getChars() ?? '';
        // Alone, so that it stands in its columns whatever the font makes of it.
        const odd = (cell?.getWidth() ?? 1) !== 1 || char.length > 1 || UNLIKE.test(char);
        if (shape ? char !== first : text !== '' && (odd || shapeOf(char))) break;
        text += char || ' ';
        end += Math.max(1, cell?.getWidth() ?? 1);
        if (odd && !shape) break;
      }
      const x = MARGIN + col * CELL.width;
      const columns = end - col;
      if (look.back !== paper.background)
        parts.push(
          `<rect x="${n(x)}" y="${n(y)}" width="${n(columns * CELL.width + 0.3)}" height="${CELL.height + 0.3}" fill="${look.back}"/>`,
        );
      if (shape) parts.push(...shapesOf(shape, x, y, columns, look));
      else if (text.trim() !== '') {
        const style = `${look.bold ? ' font-weight="bold"' : ''}${look.underline ? ' text-decoration="underline"' : ''}${look.dim ? ' opacity="0.6"' : ''}`;
        const lead = text.length - text.trimStart().length;
        const shown = text.trim();
        const length = columns > 1 && shown.length > 1 ? ` textLength="${n(shown.length * CELL.width)}"` : '';
        parts.push(
          `<text x="${n(x + lead * CELL.width)}" y="${n(y + CELL.height * 0.76)}" fill="${look.fore}"${style}${length}>${escaped(shown)}</text>`,
        );
      }
      col = end;
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height)}" width="${n(width)}" height="${n(height)}" role="img">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" rx="8" fill="${paper.background}"/>
<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" xml:space="preserve" style="white-space:pre">
${parts.join('\n')}
</g>
</svg>
`;
};

/** The same shape so many times beside itself; what goes from edge to edge is one. */
const shapesOf = ({ boxes, path }: Shape, x: number, y: number, columns: number, look: Look): string[] => {
  const ink = look.dim ? `${look.fore}" opacity="0.6` : look.fore;
  const { width, height } = CELL;
  const found: string[] = [];
  for (const [left, top, wide, high] of boxes) {
    const across = left === 0 && wide === 1;
    for (let at = 0; at < (across ? 1 : columns); at++)
      found.push(
        `<rect x="${n(x + (at + left) * width)}" y="${n(y + top * height)}" width="${n(wide * width * (across ? columns : 1))}" height="${n(high * height)}" fill="${ink}"/>`,
      );
  }
  if (path)
    for (let at = 0; at < columns; at++)
      found.push(
        `<path d="${path.replaceAll(/([MVQ])([^MVQ]*)/g, (_, command: string, numbers: string) => placed(command, numbers, x + at * width, y))}" fill="none" stroke="${ink}" stroke-width="1.2"/>`,
      );
  return found;
};

const placed = (command: string, numbers: string, x: number, y: number): string => {
  const values = numbers.trim().split(' ').map(Number);
  if (command === 'V') return `V${n(y + (values[0] ?? 0) * CELL.height)}`;
  return `${command}${values.map((value, at) => n(at % 2 === 0 ? x + value * CELL.width : y + value * CELL.height)).join(' ')}`;
};

interface Look {
  readonly fore: string;
  readonly back: string;
  readonly bold: boolean;
  readonly underline: boolean;
  readonly dim: boolean;
}

type Line = NonNullable<ReturnType<Terminal['buffer']['active']['getLine']>>;

const lookAt = (line: Line, col: number, paper: Paper): Look => {
  const cell = line.getCell(col);
  if (!cell)
    return { fore: paper.foreground, back: paper.background, bold: false, underline: false, dim: false };
  const colour = (isDefault: boolean, isRgb: boolean, value: number, none: string): string =>
    isDefault ? none : isRgb ? hex(value) : palette(value);
  const fore = colour(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor(), paper.foreground);
  const back = colour(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor(), paper.background);
  const turned = cell.isInverse() !== 0;
  return {
    fore: turned ? back : fore,
    back: turned ? fore : back,
    bold: cell.isBold() !== 0,
    underline: cell.isUnderline() !== 0,
    dim: cell.isDim() !== 0,
  };
};

const sameLook = (a: Look, b: Look): boolean =>
  a.fore === b.fore &&
  a.back === b.back &&
  a.bold === b.bold &&
  a.underline === b.underline &&
  a.dim === b.dim;

const hex = (value: number): string => `#${value.toString(16).padStart(6, '0')}`;

/** xterm's 256colres.h. */
const palette = (index: number): string => {
  if (index < 16) return BASIC[index] ?? '#ffffff';
  if (index >= 232) return hex(0x010101 * (8 + (index - 232) * 10));
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return hex((level(Math.floor(cube / 36)) << 16) | (level(Math.floor(cube / 6) % 6) << 8) | level(cube % 6));
};

const n = (value: number): string => String(Math.round(value * 10) / 10);
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
