/** Help: of the program and of a noun from the command table alone; of a command by oclif, from its class. */
import type { Command } from '@oclif/core/command';
import { CommandHelp } from '@oclif/core/help';
import { BorealisError } from '../../protocol/errors.ts';
import { VERSION } from '../../protocol/version.ts';
import { commands } from '../table.ts';
import { asksForJson } from './command.ts';
import { programConfig } from './config.ts';
import type { CommandClass } from './entry.ts';
import { nearest } from './nearest.ts';
import { nounGroups } from './nouns.ts';
import { painter } from './paint.ts';
import type { Meant } from './resolve.ts';
import { readTerminal } from './terminal.ts';
import { pad } from './text.ts';

/** Errors: USAGE where no such command is, or a document was wanted and none can be given. */
export const showHelp = async (meant: Meant, argv: readonly string[]): Promise<void> => {
  if (argv.includes('--no-color')) process.env.NO_COLOR = '1'; // oclif's painter asks there
  if (meant.kind === 'unknown')
    throw unknownCommand(meant.typed, meant.noun, argv.slice(argv.indexOf(meant.typed) + 1));
  if (meant.kind === 'command') return showCommand(meant.id);
  if (asksForJson(argv))
    throw new BorealisError('USAGE', { detail: 'No command is given.', next: 'See: borealisctl --help' });
  process.stdout.write(`${(meant.noun === undefined ? overview() : nounHelp(meant.noun)).join('\n')}\n`);
};

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
  const verbs = shown().filter(([id]) => id.startsWith(`${noun} `));
  const widest = Math.max(...verbs.map(([id]) => id.length));
  const about = nounGroups.map(({ nouns }) => nouns[noun]).find((text) => text !== undefined);
  return [
    about ?? `Commands of ${noun}.`,
    '',
    colour('bold', 'USAGE'),
    `  borealisctl ${noun} VERB`,
    '',
    colour('bold', 'COMMANDS'),
    ...verbs.map(([id, { summary }]) => `  ${pad(id, widest + 2)}${summary}`),
    '',
    `See one with: borealisctl ${noun} VERB --help`,
  ];
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
  process.stdout.write(`${entry.summary}\n\n${help.generate()}\n`);
};

/** The command as oclif's help reads it; its own way there is through a manifest on disk. */
const loadable = (id: string, command: CommandClass): Command.Loadable => {
  const args = Object.entries(command.args).map(([name, arg]) => [name, { ...arg, name }]);
  const flags = Object.entries({ ...command.flags, ...command.baseFlags }).map(([name, flag]) => [
    name,
    { ...flag, name },
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

/** As in the line of usage; `<%= command.id %>` stands for the words of the command. */
export const usageOf = (command: CommandClass): string | string[] => {
  if (command.usage) return command.usage;
  const args = Object.entries(command.args).map(([name, { required, multiple }]) => {
    const word = `${name.toUpperCase()}${multiple ? '…' : ''}`;
    return required ? word : `[${word}]`;
  });
  return ['<%= command.id %>', ...args, '[FLAGS]'].join(' ');
};

const unknownCommand = (
  typed: string,
  noun: string | undefined,
  rest: readonly string[] = [],
): BorealisError => {
  const ids = shown().map(([id]) => id);
  if (noun !== undefined) {
    const verbs = ids.filter((id) => id.startsWith(`${noun} `)).map((id) => id.slice(noun.length + 1));
    const near = nearest(typed, verbs).map((verb) => `borealisctl ${noun} ${verb}`);
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
  const near = [...nearest(typed, nouns), ...verbFirst].slice(0, 4).map((word) => `borealisctl ${word}`);
  return new BorealisError('USAGE', {
    detail: `There is no command “${typed}”.`,
    next: near.length > 0 ? `Did you mean: ${near.join(', or ')}?` : 'See them all with: borealisctl --help',
  });
};
