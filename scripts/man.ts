/** Manual pages (man(7)) from the commands themselves: one of the program, one of each noun. */
import type { CommandClass } from '../src/commands/manner/entry.ts';
import { globalFlags } from '../src/commands/manner/flags.ts';
import { nounGroups } from '../src/commands/manner/nouns.ts';
import { usageOf } from '../src/commands/manner/usage.ts';
import { commands } from '../src/commands/table.ts';
import { EXIT } from '../src/protocol/errors.ts';
import { VERSION } from '../src/protocol/version.ts';

/** Name of the file, and its text. */
export const manualPages = async (): Promise<[string, string][]> => {
  const shown = Object.entries(commands).filter(([, { hidden }]) => !hidden);
  const loaded = await Promise.all(
    shown.map(async ([id, { load, summary }]) => ({ id, summary, command: (await load()).default })),
  );
  const nouns = [...new Set(shown.map(([id]) => id.split(' ', 1)[0] as string))];
  return [
    ['borealisctl.1', programPage(nouns)],
    ...nouns.map((noun): [string, string] => [
      `borealisctl-${noun}.1`,
      nounPage(
        noun,
        nouns,
        loaded.filter(({ id }) => id === noun || id.startsWith(`${noun} `)),
      ),
    ]),
  ];
};

interface Loaded {
  readonly id: string;
  readonly summary: string;
  readonly command: CommandClass;
}

/** Text in which roff sees nothing but text. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll(/^([.'])/gm, '\\&$1')
    .replaceAll(/[^\n\x20-\x7e]/gu, (letter) => `\\[u${hex(letter)}]`);
const hex = (letter: string): string =>
  (letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
const quoted = (text: string): string => `"${roff(text).replaceAll('"', '\\(dq')}"`;

const heading = (title: string): string =>
  `.\\" Made by scripts/man.ts from the commands.\n.TH ${quoted(title.toUpperCase())} 1 "" ${quoted(`Borealis ${VERSION}`)} "Borealis"`;

const about = (noun: string): string =>
  nounGroups.map(({ nouns }) => nouns[noun]).find((text) => text !== undefined) ?? noun;

const programPage = (nouns: readonly string[]): string => {
  const groups = nounGroups.flatMap(({ title, nouns: listed }) => [
    `.SS ${quoted(title.charAt(0) + title.slice(1).toLowerCase())}`,
    ...Object.entries(listed)
      .filter(([noun]) => nouns.includes(noun))
      .flatMap(([noun, text]) => ['.TP', `.BR borealisctl\\-${roff(noun)} (1)`, roff(text)]),
  ]);
  const codes: Readonly<Record<keyof typeof EXIT, string>> = {
    failed: 'It failed; standard error says why, and what to do.',
    usage: 'The command line is not right.',
    notFound: 'What was named is not there.',
    notPermitted: 'The caller may not do that.',
    unreachable: 'The engine cannot be reached.',
    timedOut: 'Time ran out.',
    conflict: 'It clashes with what there is.',
    partial: 'Some of several targets failed.',
  };
  return page([
    heading('borealisctl'),
    '.SH NAME',
    'borealisctl \\- remote management that lives in the terminal',
    '.SH SYNOPSIS',
    '.B borealisctl',
    '.I NOUN VERB',
    '.RI [ ARGUMENT ...]',
    '.RI [ FLAG ...]',
    '.SH DESCRIPTION',
    roff(
      'Asks the engine, borealisd, over its local socket. Who asks is what the kernel says; what they may do, an admin of the engine. A device is named by its name, its GUID, or a unique prefix of either.',
    ),
    '.SH COMMANDS',
    ...groups,
    '.SH FLAGS OF EVERY COMMAND',
    ...flagLines(globalFlags),
    '.SH ENVIRONMENT',
    ...terms([
      ['BOREALIS_SOCKET', "Path of the engine's socket."],
      ['BOREALIS_STATE', "The engine's state directory, in which its socket is looked for."],
      ['BOREALIS_HOST', 'ssh://user@host[:port]: the command runs there, through ssh(1).'],
      ['NO_COLOR', 'Where it is not empty, nothing is coloured.'],
      ['BOREALIS_DEBUG', 'Where it is not empty, errors come with where they arose.'],
    ]),
    '.SH EXIT STATUS',
    ...terms([
      ['0', 'Done.'],
      ...Object.entries(EXIT).map(([name, code]): [string, string] => [
        String(code),
        codes[name as keyof typeof EXIT],
      ]),
      ['130', 'Ctrl-C cut its work short. What only watches has no other end, and ends with 0.'],
    ]),
    '.SH SEE ALSO',
    nouns.map((noun) => `.BR borealisctl\\-${roff(noun)} (1)`).join(' ,\n'),
  ]);
};

const nounPage = (noun: string, nouns: readonly string[], verbs: readonly Loaded[]): string => {
  const alone = verbs.length === 1 && verbs[0]?.id === noun;
  return page([
    heading(`borealisctl-${noun}`),
    '.SH NAME',
    roffName(`borealisctl-${noun}`, about(noun)),
    '.SH SYNOPSIS',
    ...verbs.flatMap((verb) => usages(verb).flatMap((line) => ['.nf', `.B ${roff(line)}`, '.fi'])),
    '.SH DESCRIPTION',
    ...(alone
      ? describe(verbs[0] as Loaded)
      : verbs.flatMap((verb) => [`.SS ${quoted(verb.id)}`, ...describe(verb)])),
    '.SH EXAMPLES',
    ...verbs.flatMap(({ command }) =>
      command.examples.flatMap((example) => ['.PP', '.nf', roff(String(example)), '.fi']),
    ),
    '.SH SEE ALSO',
    [
      '.BR borealisctl (1)',
      ...(nouns.includes(noun)
        ? neighbours(noun, nouns).map((other) => `.BR borealisctl\\-${roff(other)} (1)`)
        : []),
    ].join(' ,\n'),
  ]);
};

const roffName = (name: string, text: string): string => `${roff(name)} \\- ${roff(text.replace(/\.$/, ''))}`;

const usages = ({ id, command }: Loaded): string[] =>
  [usageOf(command)].flat().map((usage) => `borealisctl ${usage.replaceAll('<%= command.id %>', id)}`);

const neighbours = (noun: string, nouns: readonly string[]): string[] => {
  const group = nounGroups.find(({ nouns: listed }) => noun in listed);
  return Object.keys(group?.nouns ?? {}).filter((other) => other !== noun && nouns.includes(other));
};

const describe = ({ summary, command }: Loaded): string[] => [
  roff(summary),
  ...(command.description ? ['.PP', roff(command.description)] : []),
  ...terms(Object.entries(command.args).map(([name, arg]) => [name.toUpperCase(), arg.description ?? ''])),
  ...flagLines(command.flags),
];

const flagLines = (flags: CommandClass['flags']): string[] =>
  terms(
    Object.entries(flags).map(([name, flag]) => {
      const value = flag.type === 'option' ? ` ${flag.helpValue ?? name.toUpperCase()}` : '';
      return [
        `${flag.char ? `-${flag.char}, ` : ''}--${name}${value}`,
        flag.summary ?? flag.description ?? '',
      ];
    }),
  );

const terms = (rows: readonly (readonly [string, string])[]): string[] =>
  rows.flatMap(([term, text]) => ['.TP', `.B ${roff(term)}`, roff(text)]);

const page = (lines: readonly string[]): string => `${lines.join('\n')}\n`;
