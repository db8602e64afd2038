/** What can follow in a command line of borealisctl: nouns, verbs, flags, names. */
import type { CommandWords, Offer } from '../app/cli.ts';

interface Scanned {
  readonly words: string[];
  /** Where the last of them begins, and whether it still goes on: nothing stands behind it. */
  readonly start: number;
  readonly goesOn: boolean;
  readonly quoteIsOpen: boolean;
}

/** Words as a shell takes them: blanks part, quotes and backslashes hold together. */
const scan = (text: string): Scanned => {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  let start = text.length;
  const add = (part: string, at: number): void => {
    if (word === undefined) start = at;
    word = (word ?? '') + part;
  };
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    const escaped = char === '\\' && i + 1 < text.length;
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else if (escaped && quote === '"') add(text.charAt(++i), i);
      else add(char, i);
    } else if (char === "'" || char === '"') {
      quote = char;
      add('', i);
    } else if (escaped) add(text.charAt(i + 1), i++);
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else add(char, i);
  }
  const goesOn = word !== undefined;
  if (word !== undefined) words.push(word);
  return { words, start: goesOn ? start : text.length, goesOn, quoteIsOpen: quote !== undefined };
};

/** Undefined: a quote is still open. */
export const splitWords = (text: string): string[] | undefined => {
  const { words, quoteIsOpen } = scan(text);
  return quoteIsOpen ? undefined : words;
};

/** How the command is used whose words are written; undefined where they are not yet. */
export const usageOf = (commands: readonly CommandWords[], typed: string): string | undefined => {
  const [noun, verb] = scan(typed).words;
  if (noun === undefined || !/\s/.test(typed.trimStart())) return undefined;
  return meant(
    commands.filter((command) => command.noun === noun),
    verb,
  )?.usage;
};

const meant = (ofNoun: readonly CommandWords[], verb: string | undefined): CommandWords | undefined =>
  ofNoun.find((one) => one.verb !== undefined && one.verb === verb) ??
  ofNoun.find((one) => one.verb === undefined);

export interface Writing {
  readonly words: readonly string[];
  readonly last: string;
  /** Where that begins in what is written. */
  readonly start: number;
}

/** The whole words of what is written, and the beginning of the one that is being written: of `--site=ber` its value. */
export const wordsOf = (typed: string): Writing => {
  const { words, start, goesOn } = scan(typed);
  const last = goesOn ? (words.pop() ?? '') : '';
  const [flag] = /^--[\w-]+(?==)/.exec(last) ?? [];
  return flag === undefined
    ? { words, last, start }
    : { words: [...words, flag], last: last.slice(flag.length + 1), start: start + flag.length + 1 };
};

/** `typed`: what is written so far. `names`: what the engine knows to follow it. */
export const offers = (
  commands: readonly CommandWords[],
  typed: string,
  names: readonly Offer[],
): Offer[] => {
  const { words, last } = wordsOf(typed);
  const begins = (word: string): boolean => word.toLowerCase().startsWith(last.toLowerCase());
  const [noun, verb] = words;
  if (noun === undefined) return nounOffers(commands).filter(({ word }) => begins(word));
  const ofNoun = commands.filter((command) => command.noun === noun);
  const command = meant(ofNoun, verb);
  if (words.length === 1 && ofNoun.some((one) => one.verb !== undefined) && !last.startsWith('-')) {
    const verbs = ofNoun.flatMap((one) =>
      one.verb === undefined ? [] : [{ word: one.verb, note: one.summary }],
    );
    const found = verbs.filter(({ word }) => begins(word));
    if (found.length > 0) return found;
  }
  if (!command) return [];
  if (words.includes('--')) return [];
  const before = command.flags.find(({ long, short }) => [long, short].includes(words.at(-1) ?? ''));
  const known = names
    .filter(({ word }) => begins(word))
    .map(({ word, note }) => ({ word: quoted(word), note }));
  if (before?.named) return known;
  if (before?.takesValue) return before.values.filter(begins).map((word) => ({ word, note: before.summary }));
  if (last.startsWith('-'))
    return command.flags
      .filter(({ long }) => begins(long))
      .map(({ long, summary }) => ({ word: long, note: summary }));
  const values = command.argumentValues.filter(begins).map((word) => ({ word, note: '' }));
  return command.named ? [...values, ...known] : values;
};

const nounOffers = (commands: readonly CommandWords[]): Offer[] => {
  const nouns = new Map<string, string>();
  for (const { noun, verb, summary } of commands)
    if (!nouns.has(noun)) nouns.set(noun, verb === undefined ? summary : verbsOf(commands, noun));
  return [...nouns].map(([word, note]) => ({ word, note }));
};

const verbsOf = (commands: readonly CommandWords[], noun: string): string =>
  commands.flatMap((one) => (one.noun === noun && one.verb ? [one.verb] : [])).join(' ');

export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
