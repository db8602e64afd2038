/** What can follow in a command line of borealisctl: nouns, verbs, flags, names. */
import type { CommandWords, Offer } from '../app/cli.ts';

/** Words as a shell takes them: blanks part, quotes and backslashes hold together. Undefined: a quote is still open. */
export const splitWords = (text: string): string[] | undefined => {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (quote !== undefined) {
      if (char === quote) quote = undefined;
      else if (char === '\\' && quote === '"' && i + 1 < text.length) word = (word ?? '') + text.charAt(++i);
      else word = (word ?? '') + char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (char === '\\' && i + 1 < text.length) word = (word ?? '') + text.charAt(++i);
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
};

/** How the command is used whose words are written; undefined where they are not yet. */
export const usageOf = (commands: readonly CommandWords[], typed: string): string | undefined => {
  const [noun, verb] = splitWords(typed) ?? [];
  if (noun === undefined || !/\s/.test(typed.trimStart())) return undefined;
  return meant(
    commands.filter((command) => command.noun === noun),
    verb,
  )?.usage;
};

const meant = (ofNoun: readonly CommandWords[], verb: string | undefined): CommandWords | undefined =>
  ofNoun.find((one) => one.verb !== undefined && one.verb === verb) ??
  ofNoun.find((one) => one.verb === undefined);

/** The whole words of what is written, and the beginning of the one that is being written. */
export const wordsOf = (typed: string): { readonly words: readonly string[]; readonly last: string } => {
  const words = splitWords(typed) ?? [];
  const last = /\s$/.test(typed) || typed === '' ? '' : (words.pop() ?? '');
  return { words, last };
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
