/** What there is to complete, read from the commands themselves. */
import type { Command } from '@oclif/core/command';
import { globalFlags } from '../../manner/flags.ts';
import { typedUsage } from '../../manner/usage.ts';
import { commands } from '../../table.ts';
import { argumentKind, flagKind } from './kinds.ts';

export interface FlagWords {
  /** `--state`. */
  readonly long: string;
  /** `-o`; undefined where it has no letter. */
  readonly short: string | undefined;
  readonly summary: string;
  readonly takesValue: boolean;
  /** What the value may be, where that is known. */
  readonly values: readonly string[];
  /** Whether the engine knows what the value may be. */
  readonly named: boolean;
}

export interface CommandWords {
  readonly noun: string;
  /** Undefined where the noun alone is the command. */
  readonly verb: string | undefined;
  readonly summary: string;
  /** As it is typed: `device show DEVICE [FLAGS]`. */
  readonly usage: string;
  readonly flags: readonly FlagWords[];
  /** Whether the engine, or another argument's list, knows what some argument may be: src/commands/completion/names.ts. */
  readonly named: boolean;
  /** Whether an argument may be a file. */
  readonly file: boolean;
  /** Values of the first argument, where these are known: the shells of `completion`. */
  readonly argumentValues: readonly string[];
}

/** Loads every command. */
export const describeCommands = async (): Promise<CommandWords[]> => {
  const shown = Object.entries(commands).filter(([, { hidden }]) => !hidden);
  return Promise.all(
    shown.map(async ([id, { summary, load }]) => {
      const { default: command } = await load();
      const [noun = id, verb] = id.split(' ');
      const args = Object.entries(command.args);
      return {
        noun,
        verb,
        summary,
        usage: typedUsage(id, command),
        flags: describeFlags({ ...command.flags, ...globalFlags }),
        named: args.some(([name, { options }], at) => argumentKind(name) || (options && at > 0)),
        file: args.some(([name]) => name === 'file' || name === 'paths'),
        argumentValues: args[0]?.[1].options ?? [],
      };
    }),
  );
};

const describeFlags = (flags: Command.Class['flags']): FlagWords[] =>
  Object.entries(flags).map(([name, flag]) => ({
    long: `--${name}`,
    short: flag.char && `-${flag.char}`,
    summary: flag.summary ?? flag.description ?? '',
    takesValue: flag.type === 'option',
    values: flag.type === 'option' ? (flag.options ?? []) : [],
    named: flag.type === 'option' && flagKind(name, flag.helpValue) !== undefined,
  }));

/** `device list`, or `status`. */
export const idOf = ({ noun, verb }: CommandWords): string => (verb === undefined ? noun : `${noun} ${verb}`);

export const nounsOf = (words: readonly CommandWords[]): string[] => [
  ...new Set(words.map(({ noun }) => noun)),
];

/** The noun's own summary, or that of its one command. */
export const verbsOf = (words: readonly CommandWords[], noun: string): CommandWords[] =>
  words.filter((command) => command.noun === noun && command.verb !== undefined);

/** Nouns that are a command by themselves, and have verbs besides: `shell DEVICE`, `shell list`. */
export const bothOf = (words: readonly CommandWords[]): string[] =>
  words
    .filter(({ noun, verb }) => verb === undefined && verbsOf(words, noun).length > 0)
    .map(({ noun }) => noun);

/** `'device show --site' | 'device show -s'` of every flag whose value the engine knows. */
export const namedFlags = (words: readonly CommandWords[]): string[] =>
  words.flatMap((command) =>
    command.flags
      .filter(({ named }) => named)
      .flatMap(({ long, short }) =>
        [long, short].filter((name) => name !== undefined).map((name) => `${idOf(command)} ${name}`),
      ),
  );

/** The verbs of a noun, with something between. */
export const verbList = (words: readonly CommandWords[], noun: string, between: string): string =>
  verbsOf(words, noun)
    .map(({ verb }) => verb)
    .join(between);
