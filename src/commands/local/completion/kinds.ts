/** What kind of thing stands at a place of a command line, read from the command that is written there. */
import type { Command } from '@oclif/core/command';

/** Things of the engine that have names or ids. */
export const KINDS = [
  'approval',
  'code',
  'connection',
  'device',
  'event',
  'job',
  'label',
  'place',
  'project',
  'script',
  'session',
  'setting',
  'shell',
  'site',
  'tag',
  'vpn',
  'who',
] as const;
export type Kind = (typeof KINDS)[number];

/** Of an argument, by its name in the command's `args`. */
const ARGUMENTS: Readonly<Record<string, Kind>> = {
  approval: 'approval',
  code: 'code',
  connection: 'connection',
  device: 'device',
  devices: 'device',
  job: 'job',
  key: 'setting',
  // Of `cp`: DEVICE:path, or a file here.
  paths: 'place',
  script: 'script',
  session: 'session',
  shell: 'shell',
  vpn: 'vpn',
  who: 'who',
  // Of `device tag`: devices come first.
  words: 'device',
};
export const argumentKind = (name: string): Kind | undefined =>
  Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name] : undefined;

/** Of a flag's value, by what its help calls it. */
const VALUES: Readonly<Record<string, Kind>> = {
  DEVICE: 'device',
  PROJECT: 'project',
  SITE: 'site',
  WHO: 'who',
};
/** And by its name, where that says more. */
const FLAGS: Readonly<Record<string, Kind>> = {
  attach: 'shell',
  label: 'label',
  tag: 'tag',
  type: 'event',
};
export const flagKind = (name: string, helpValue: string | string[] | undefined): Kind | undefined => {
  if (Object.hasOwn(FLAGS, name)) return FLAGS[name];
  return typeof helpValue === 'string' && Object.hasOwn(VALUES, helpValue) ? VALUES[helpValue] : undefined;
};

export type Wanted =
  | {
      readonly kind: Kind;
      /** The arguments that stand before it, by their names. */
      readonly before: Readonly<Record<string, string>>;
      /** Those of several that are written already. */
      readonly taken: readonly string[];
    }
  /** One of these words. */
  | { readonly values: readonly string[] };

type Parts = Pick<Command.Class, 'args' | 'flags'>;

/**
 * What is to be written next. `words`: those of the command line after the command itself, whole ones only. Undefined
 * where nothing is known that fits: a time limit, a file, a word too many.
 */
export const wantedNext = ({ args, flags }: Parts, words: readonly string[]): Wanted | undefined => {
  const given: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (!word.startsWith('-')) given.push(word);
    else {
      const flag = valued(flags, word);
      if (!flag) continue;
      if (index === words.length - 1) {
        const kind = flagKind(...flag);
        return kind && { kind, before: {}, taken: [] };
      }
      index++;
    }
  }
  const places = Object.entries(args);
  const last = places.at(-1);
  const [name, place] = places[given.length] ?? (last?.[1].multiple ? last : []);
  if (name === undefined || place === undefined) return undefined;
  if (place.options) return { values: place.options };
  const kind = argumentKind(name);
  const before = Object.fromEntries(places.map(([known], index) => [known, given[index] ?? '']));
  return kind && { kind, before, taken: place.multiple ? given.slice(places.length - 1) : [] };
};

/** Name and help of the flag whose value is the next word; undefined where the word holds it, or the flag takes none. */
const valued = (
  flags: Parts['flags'],
  word: string,
): [name: string, helpValue: string | string[] | undefined] | undefined => {
  const found = Object.entries(flags).find(
    ([name, { char }]) => word === `--${name}` || (char !== undefined && word === `-${char}`),
  );
  return found?.[1].type === 'option' ? [found[0], found[1].helpValue] : undefined;
};
