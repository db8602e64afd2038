/** A QR code in letters of a terminal: light modules are drawn, dark ones left out. */
import type { Modules } from './matrix.ts';

/** Modules of nothing around it. The standard wants four; phones read it with two. */
const QUIET = 2;

/** Each letter is a module wide and two high. */
export const halfBlocks = (modules: Modules): string[] =>
  draw(modules, 1, 2, ([upper, lower]) => HALVES[(upper ? 1 : 0) + (lower ? 2 : 0)] as string);

const HALVES = [' ', '▀', '▄', '█'];

/**
 * Each letter is two modules wide and three high: a quarter more modules than half blocks have lines, on a third of
 * their columns. Unicode 13, "Symbols for Legacy Computing": terminals draw it, old fonts do not have it.
 */
export const sextants = (modules: Modules): string[] =>
  draw(modules, 2, 3, (light) => {
    const value = light.reduce((sum, one, bit) => sum + (one ? 1 << bit : 0), 0);
    if (value in BLOCKS) return BLOCKS[value] as string;
    // The two that are elsewhere, left half and right half, leave no gap.
    return String.fromCodePoint(SEXTANT_1 + value - 1 - (value > LEFT ? 1 : 0) - (value > RIGHT ? 1 : 0));
  });

const SEXTANT_1 = 0x1fb00;
const LEFT = 21;
const RIGHT = 42;
const BLOCKS: Readonly<Record<number, string>> = { 0: ' ', [LEFT]: '▌', [RIGHT]: '▐', 63: '█' };

/** `light`: of a letter, from left to right and from top to bottom. */
const draw = (
  modules: Modules,
  columns: number,
  rows: number,
  letter: (light: readonly boolean[]) => string,
): string[] => {
  const size = modules.length + 2 * QUIET;
  const isLight = (row: number, column: number): boolean => !modules[row - QUIET]?.[column - QUIET];
  return Array.from({ length: Math.ceil(size / rows) }, (_, line) =>
    Array.from({ length: Math.ceil(size / columns) }, (_, at) =>
      letter(
        Array.from({ length: rows * columns }, (_, part) =>
          isLight(line * rows + Math.floor(part / columns), at * columns + (part % columns)),
        ),
      ),
    ).join(''),
  );
};
