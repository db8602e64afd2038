/** Names and values, one below another; what is not known is left out. */
import { width, wrap } from '../../text/width.ts';
import { type Style, style } from '../grid/style.ts';
import type { Surface } from '../grid/surface.ts';

export type Fact = readonly [
  name: string,
  value: string | number | null | undefined,
  style?: Style | undefined,
];

/** Returns the lines used. Long values go on below themselves, at most `linesEach`. */
export const drawFacts = (surface: Surface, facts: readonly Fact[], linesEach = 3): number => {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const names = Math.min(
    18,
    known.reduce((most, [name]) => Math.max(most, width(name)), 0),
  );
  let y = 0;
  for (const [name, value, look] of known) {
    if (y >= surface.height) break;
    surface.text(0, y, name, style('muted'), names);
    const room = Math.max(8, surface.width - names - 2);
    const wrapped = wrap(String(value), room);
    const whole = wrapped.flatMap((line) => broken(line, room));
    // A key that has no end cannot be compared: where there is room it goes on below. Otherwise `…` says that it is cut.
    const lines =
      whole.length <= Math.min(linesEach, surface.height - y) ? whole : wrapped.slice(0, linesEach);
    for (const line of lines) surface.text(names + 2, y++, line, look ?? style());
  }
  return y;
};

/** A word that is wider than its place, in parts of that width. Keys and digests are of narrow characters. */
const broken = (line: string, room: number): string[] =>
  line.length > room && /^[\x21-\x7e]+$/.test(line)
    ? Array.from({ length: Math.ceil(line.length / room) }, (_, part) =>
        line.slice(part * room, (part + 1) * room),
      )
    : [line];
