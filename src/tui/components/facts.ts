/** Names and values, one below another; what is not known is left out. */
import { width, wrap } from '../../text/width.ts';
import { type Style, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export type Fact = readonly [
  name: string,
  value: string | number | null | undefined,
  style?: Style | undefined,
];

/**
 * Returns the lines used. Long values go on below themselves, at most `linesEach`. `least`: columns for the names, so that
 * two groups stand in line (`namesWidth`).
 */
export const drawFacts = (surface: Surface, facts: readonly Fact[], linesEach = 3, least = 0): number => {
  const known = knownOf(facts);
  const names = Math.max(least, namesWidth(facts));
  let y = 0;
  for (const [name, value, look] of known) {
    if (y >= surface.height) break;
    surface.text(0, y, name, style('muted'), names);
    const lines = linesOf(value, roomOf(surface.width, names), Math.min(linesEach, surface.height - y));
    for (const line of lines) surface.text(names + 2, y++, line, look ?? style());
  }
  return y;
};

/** The lines that they would use. */
export const factsHeight = (columns: number, facts: readonly Fact[], linesEach = 3, least = 0): number => {
  const known = knownOf(facts);
  const room = roomOf(columns, Math.max(least, namesWidth(facts)));
  return known.reduce((sum, [, value]) => sum + linesOf(value, room, linesEach).length, 0);
};

const knownOf = (facts: readonly Fact[]): readonly Fact[] =>
  facts.filter(([, value]) => value !== null && value !== undefined && value !== '');

/** Columns that the names take. */
export const namesWidth = (facts: readonly Fact[]): number =>
  Math.min(
    18,
    knownOf(facts).reduce((most, [name]) => Math.max(most, width(name)), 0),
  );

const roomOf = (columns: number, names: number): number => Math.max(8, columns - names - 2);

/** A key that has no end cannot be compared: where there is room it goes on below. Otherwise `…` says that it is cut. */
const linesOf = (value: Fact[1], room: number, most: number): string[] => {
  const wrapped = wrap(String(value), room);
  const whole = wrapped.flatMap((line) => broken(line, room));
  return whole.length <= most ? whole : wrapped.slice(0, most);
};

/** A word that is wider than its place, in parts of that width. Keys and digests are of narrow characters. */
const broken = (line: string, room: number): string[] =>
  line.length > room && /^[\x21-\x7e]+$/.test(line)
    ? Array.from({ length: Math.ceil(line.length / room) }, (_, part) =>
        line.slice(part * room, (part + 1) * room),
      )
    : [line];
