/** Lines and blocks of a terminal as shapes, so that they join whatever the font: what terminals themselves do. */

/** In a cell of 1 by 1: left, top, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];

/** Half of a thin line's width and height, for a cell twice as high as wide. */
const THIN = { x: 0.07, y: 0.034 };
const THICK = { x: 0.15, y: 0.07 };

/** Which ways a line goes from the middle: left, right, up, down; 1 thin, 2 thick. */
const LINES: Readonly<Record<string, readonly [number, number, number, number]>> = {
  '─': [1, 1, 0, 0],
  '━': [2, 2, 0, 0],
  '│': [0, 0, 1, 1],
  '┃': [0, 0, 2, 2],
  '┌': [0, 1, 0, 1],
  '┐': [1, 0, 0, 1],
  '└': [0, 1, 1, 0],
  '┘': [1, 0, 1, 0],
  '├': [0, 1, 1, 1],
  '┤': [1, 0, 1, 1],
  '┬': [1, 1, 0, 1],
  '┴': [1, 1, 1, 0],
  '┼': [1, 1, 1, 1],
  '╴': [1, 0, 0, 0],
  '╶': [0, 1, 0, 0],
};

/** Rounded corners, as paths from edge to edge. */
const ARCS: Readonly<Record<string, string>> = {
  '╭': 'M.5 1V.75Q.5 .5 1 .5',
  '╮': 'M.5 1V.75Q.5 .5 0 .5',
  '╰': 'M.5 0V.25Q.5 .5 1 .5',
  '╯': 'M.5 0V.25Q.5 .5 0 .5',
};

const linesOf = ([left, right, up, down]: readonly [number, number, number, number]): Box[] => {
  const half = (weight: number) => (weight === 2 ? THICK : THIN);
  const boxes: Box[] = [];
  if (left || right) {
    const { y } = half(Math.max(left, right));
    const from = left ? 0 : 0.5 - THIN.x;
    boxes.push([from, 0.5 - y, (right ? 1 : 0.5 + THIN.x) - from, 2 * y]);
  }
  if (up || down) {
    const { x } = half(Math.max(up, down));
    const from = up ? 0 : 0.5 - THIN.y;
    boxes.push([0.5 - x, from, 2 * x, (down ? 1 : 0.5 + THIN.y) - from]);
  }
  return boxes;
};

const blocksOf = (point: number): Box[] | undefined => {
  if (point === 0x2580) return [[0, 0, 1, 0.5]];
  if (point >= 0x2581 && point <= 0x2588) {
    const height = (point - 0x2580) / 8;
    return [[0, 1 - height, 1, height]];
  }
  if (point >= 0x2589 && point <= 0x258f) return [[0, 0, (0x2590 - point) / 8, 1]];
  if (point === 0x2590) return [[0.5, 0, 0.5, 1]];
  if (point >= 0x1fb00 && point <= 0x1fb3b) {
    const index = point - 0x1fb00 + 1;
    // Those that are half blocks are elsewhere.
    const bits = index + (index >= 21 ? 1 : 0) + (index >= 41 ? 1 : 0);
    return [0, 1, 2, 3, 4, 5]
      .filter((bit) => bits & (1 << bit))
      .map((bit): Box => [(bit % 2) / 2, Math.floor(bit / 2) / 3, 0.5, 1 / 3]);
  }
  return undefined;
};

export interface Shape {
  readonly boxes: readonly Box[];
  /** Of a cell of 1 by 1. */
  readonly path?: string;
}

export const shapeOf = (char: string): Shape | undefined => {
  const lines = LINES[char];
  if (lines) return { boxes: linesOf(lines) };
  const path = ARCS[char];
  if (path) return { boxes: [], path };
  const boxes = blocksOf(char.codePointAt(0) ?? 0);
  return boxes && { boxes };
};
