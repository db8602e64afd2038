/** How a cell of somebody else's program looks: not a role of ours, but the colours that it asked for. */
import { PLAIN, type Style } from './style.ts';

export interface ExactLook {
  /** -1: the terminal's own; 0 to 255: of the palette; from 0x1000000 on: 0xRRGGBB. */
  readonly fore: number;
  readonly back: number;
  /** Codes of ECMA-48 SGR that are switched on: 1 bold, 3 italic, 7 reverse … */
  readonly attributes: readonly number[];
}

export const RGB = 0x1000000;
/** Above whatever the roles take. */
const EXACT = 1 << 24;
/** Pictures in 24-bit colour make many; past this they are shown in few. */
const MOST = 100_000;

const looks: ExactLook[] = [];
const numbers = new Map<string, number>();

export const exactStyle = (look: ExactLook): Style => {
  const key = `${look.fore} ${look.back} ${look.attributes.join(' ')}`;
  let number = numbers.get(key);
  if (number === undefined) {
    if (looks.length >= MOST) return PLAIN;
    number = looks.push(look) - 1;
    numbers.set(key, number);
  }
  return EXACT | number;
};

export const exactOf = (style: Style): ExactLook | undefined =>
  style & EXACT ? looks[style & (EXACT - 1)] : undefined;
