/** Help: of the program and of a noun from the command table alone; of a command by oclif, from its class. */
import type { Command } from '@oclif/core/command';
import { CommandHelp } from '@oclif/core/help';
import { BorealisError } from '../../protocol/errors.ts';
import { VERSION } from '../../protocol/version.ts';
import { commands } from '../table.ts';
import { asksForJson } from './command.ts';
import { programConfig } from './config.ts';
import type { CommandClass } from './entry.ts';
import { globalFlags } from './flags.ts';
import { nearest } from './nearest.ts';
import { nounGroups } from './nouns.ts';
import { otherNouns, otherVerbs } from './other-words.ts';
import { painter } from './paint.ts';
import type { Meant } from './resolve.ts';
import { readTerminal } from './terminal.ts';
import { pad } from './text.ts';
import { usageOf } from './usage.ts';
import { quoteForShell } from './words.ts';

/** Errors: USAGE where no such command is, or a document was wanted and none can be given. */
export const showHelp = async (meant: Meant, argv: readonly string[]): Promise<void> => {
  if (argv.includes('--no-color')) process.env.NO_COLOR = '1'; // oclif's painter asks there
  if (meant.kind === 'unknown')
    throw unknownCommand(meant.typed, meant.noun, argv.slice(argv.indexOf(meant.typed) + 1));
  if (meant.kind === 'command') return showCommand(meant.id);
  if (meant.kind === 'plural' && !asksForHelp(argv))
    throw new BorealisError('USAGE', {
      detail: `“${meant.typed}” alone says not what to do.`,
      next: `Did you mean: ${['borealisctl', meant.noun, 'list', ...meant.rest.map(quoteForShell)].join(' ')}? All it can do: borealisctl ${meant.noun} --help`,
    });
  if (asksForJson(argv))
    throw new BorealisError('USAGE', { detail: 'No command is given.', next: 'See: borealisctl --help' });
  demandKnownFlags(argv, meant.noun);
  process.stdout.write(`${(meant.noun === undefined ? overview() : nounHelp(meant.noun)).join('\n')}\n`);
};

const asksForHelp = (argv: readonly string[]): boolean =>
  argv[0] === 'help' || argv.includes('--help') || argv.includes('-h');

/** Without a command there are the flags that every command has. Whoever asks for help gets it, whatever else is there. */
const demandKnownFlags = (argv: readonly string[], noun: string | undefined): void => {
  const known = new Set(
    Object.entries(globalFlags).flatMap(([name, { char }]) =>
      char ? [`--${name}`, `-${char}`] : [`--${name}`],
    ),
  );
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  const stray = own.find((word) => /^-./.test(word) && !known.has(word.split('=', 1)[0]!));
  if (stray === undefined || asksForHelp(own)) return;
  const help = `borealisctl ${noun === undefined ? '' : `${noun} `}--help`;
  throw new BorealisError('USAGE', {
    detail: `There is no flag ${stray}.`,
    next: /^-+v/i.test(stray) ? 'Its version: borealisctl --version' : `See: ${help}`,
  });
};

/** Columns of `a|b|c` up to which it stands in the column of the flags. */
const WIDEST_VALUES = 20;

const paint = () => painter(readTerminal(process.env, false).color.stdout);
const shown = () => Object.entries(commands).filter(([, { hidden }]) => !hidden);

const overview = (): string[] => {
  const colour = paint();
  const nouns = new Set(shown().map(([id]) => id.split(' ', 1)[0]!));
  const groups = nounGroups.flatMap(({ title, nouns: listed }) => {
    const rows = Object.entries(listed).filter(([noun]) => nouns.has(noun));
    if (rows.length === 0) return [];
    return [colour('bold', title), ...rows.map(([noun, text]) => `  ${pad(noun, 12)}${text}`), ''];
  });
  return [
    `Borealis ${VERSION}: remote management that lives in the terminal.`,
    '',
    colour('bold', 'USAGE'),
    '  borealisctl NOUN VERB [ARGUMENTS] [FLAGS]',
    '',
    ...groups,
    colour('bold', 'TRY'),
    '  borealisctl status                     is the engine up?',
    '  borealisctl code create                a link that enrols a device',
    '  borealisctl run DEVICE -- uptime       a command on a device',
    '',
    'Every command has --help with examples, and --json for scripts.',
    'BOREALIS_HOST=ssh://user@host borealisctl … works on the engine of another host.',
  ];
};

const nounHelp = (noun: string): string[] => {
  const colour = paint();
  const about = nounGroups.map(({ nouns }) => nouns[noun]).find((text) => text !== undefined);
  return [
    about ?? `Commands of ${noun}.`,
    '',
    colour('bold', 'USAGE'),
    `  borealisctl ${noun} VERB`,
    '',
    ...verbsOf(noun),
    '',
    `See one with: borealisctl ${noun} VERB --help`,
  ];
};

/** Empty where the noun has none. */
const verbsOf = (noun: string): string[] => {
  const verbs = shown().filter(([id]) => id.startsWith(`${noun} `));
  if (verbs.length === 0) return [];
  const widest = Math.max(...verbs.map(([id]) => id.length));
  const rows = verbs.map(([id, { summary }]) => `  ${pad(id, widest + 2)}${summary}`);
  return [paint()('bold', 'COMMANDS'), ...rows];
};

const showCommand = async (id: string): Promise<void> => {
  const entry = commands[id];
  if (!entry) throw unknownCommand(id, undefined);
  const { default: command } = await entry.load();
  command.id = id;
  const terminal = readTerminal(process.env, false);
  const help = new CommandHelp(loadable(id, command), programConfig(), {
    maxWidth: Math.min(terminal.width, 110),
    docopts: false,
    stripAnsi: !terminal.color.stdout,
  });
  // oclif marks what may be repeated with three dots; ours is there already.
  const usage = help.generate().replaceAll('…...', '…');
  // A noun that is a command by itself may have verbs besides: shell.
  const verbs = verbsOf(id);
  process.stdout.write(
    `${[entry.summary, '', usage, ...(verbs.length > 0 ? ['', ...verbs] : [])].join('\n')}\n`,
  );
};

/** The command as oclif's help reads it; its own way there is through a manifest on disk. */
const loadable = (id: string, command: CommandClass): Command.Loadable => {
  const args = Object.entries(command.args).map(([name, arg]) => [name, { ...arg, name }]);
  const flags = Object.entries({ ...command.flags, ...command.baseFlags }).map(([name, flag]) => [
    name,
    { ...flag, ...valueShown(name, flag), name },
  ]);
  return {
    id,
    aliases: [],
    hiddenAliases: [],
    hidden: command.hidden ?? false,
    args: Object.fromEntries(args) as Command.Loadable['args'],
    flags: Object.fromEntries(flags) as Command.Loadable['flags'],
    description: command.description,
    examples: command.examples,
    usage: usageOf(command),
    load: async () => command as unknown as Command.Class,
  };
};

/** What stands for the value of a flag that takes one of a few, in our manner instead of oclif's `<option>`. */
const valueShown = (
  name: string,
  flag: CommandClass['flags'][string],
): { helpValue?: string; summary?: string } => {
  if (flag.type !== 'option' || flag.options === undefined || flag.helpValue !== undefined) return {};
  const values = flag.options.join('|');
  if (values.length <= WIDEST_VALUES) return { helpValue: values };
  return {
    helpValue: name.toUpperCase(),
    summary: `${flag.summary ?? ''} It is one of: ${flag.options.join(', ')}.`,
  };
};

const unknownCommand = (
  typed: string,
  noun: string | undefined,
  rest: readonly string[] = [],
): BorealisError => {
  const ids = shown().map(([id]) => id);
  if (noun !== undefined) {
    const verbs = ids.filter((id) => id.startsWith(`${noun} `)).map((id) => id.slice(noun.length + 1));
    const other = otherVerbs(typed, verbs);
    const near = (other.length > 0 ? other : nearest(typed, verbs)).map(
      (verb) => `borealisctl ${noun} ${verb}`,
    );
    return new BorealisError('USAGE', {
      detail: `There is no command “${noun} ${typed}”.`,
      next: near.length > 0 ? `Did you mean: ${near.join(', or ')}?` : `${noun} knows: ${verbs.join(', ')}.`,
    });
  }
  const nouns = new Set(ids.map((id) => id.split(' ', 1)[0]!));
  const [second = ''] = rest;
  const whole = [
    ...nearest(typed, nouns).map((near) => `${near} ${second}`),
    // Verb first, as in other programs.
    `${second} ${typed}`,
    `${second.replace(/s$/, '')} ${typed}`,
  ].filter((id) => ids.includes(id));
  if (whole.length > 0) {
    return new BorealisError('USAGE', {
      detail: `There is no command “${typed}”.`,
      next: `Did you mean: borealisctl ${whole.join(', or borealisctl ')}?`,
    });
  }
  const verbFirst = ids.filter((id) => id.endsWith(` ${typed}`));
  const other = otherNouns(typed);
  const near = (other.length > 0 ? other : [...nearest(typed, nouns), ...verbFirst])
    .slice(0, 4)
    .map((word) => `borealisctl ${word}`);
  return new BorealisError('USAGE', {
    detail: `There is no command “${typed}”.`,
    next: near.length > 0 ? `Did you mean: ${near.join(', or ')}?` : 'See them all with: borealisctl --help',
  });
};
