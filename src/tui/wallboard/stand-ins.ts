/**
 * Characters that blessed would take for narrower or wider than terminals do: its tables are older than emoji, and it
 * counts the parts of one. It draws stand-ins of one column each, which become the characters on their way to the
 * terminal. Sequences: DEC private DECSC and DECRC, ECMA-48 CUB.
 */
import { segmentWidth } from '../../text/width.ts';

/** Private use (Unicode §23.5): one column each to blessed, and nobody else's, since those in names get stand-ins too. */
const FIRST = 0xe000;
/** The second column of a wide one. */
const REST = '\uf8ff';
const STAND_INS = /[\ue000-\uf8ff]/g;

const shown: string[] = [];
const given = new Map<string, string>();

/** What to give blessed for one character that takes one column or two; a stand-in for each. */
export const standIn = (character: string): string => {
  let found = given.get(character);
  if (found === undefined) {
    // More different ones than a wall can hold: the last ones look alike.
    if (FIRST + shown.length >= REST.charCodeAt(0)) return segmentWidth(character) === 2 ? '◆ ' : '◆';
    const columns = segmentWidth(character);
    found = String.fromCharCode(FIRST + shown.length) + (columns === 2 ? REST : '');
    shown.push(placed(character, columns));
    given.set(character, found);
  }
  return found;
};

/** Terminals differ in how wide they take it to be: what follows stands in its column, and nothing old shows beside it. */
const placed = (character: string, columns: number): string =>
  `${' '.repeat(columns)}\u001b7\u001b[${columns}D${character}\u001b8`;

/** What blessed has written, as the terminal is to get it. */
export const withCharacters = (written: string): string =>
  written.replaceAll(STAND_INS, (found) => shown[found.charCodeAt(0) - FIRST] ?? '');
