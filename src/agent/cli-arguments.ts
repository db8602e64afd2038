/** The command line of `borealis-agent`, read and checked. */
import { parseArgs } from 'node:util';
import { BorealisError } from '../protocol/errors.ts';
import { type AgentContext, agentContext } from '../protocol/scalars.ts';
import { COMMANDS, type CommandName, commands, SHELLS, type Shell } from './cli-table.ts';

export interface CommandLine {
  readonly command: CommandName | 'help' | 'version';
  /** Of `enroll`: the link, `-` for standard input; undefined where it is in the environment. */
  readonly link: string | undefined;
  /** Of `completion`. */
  readonly shell: Shell | undefined;
  readonly context: AgentContext | undefined;
  readonly state: string | undefined;
  readonly config: string | undefined;
  readonly json: boolean;
  readonly yes: boolean;
}

const OPTIONS = {
  context: { type: 'string' },
  state: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

/** Errors: USAGE. */
export function parseCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CommandLine {
  const { values, positionals } = parse(args);
  const [name, word, ...rest] = positionals;
  const base = {
    link: word,
    shell: undefined,
    context: readContext(values.context ?? (env.BOREALIS_AGENT_CONTEXT || undefined)),
    state: values.state,
    config: values.config,
    json: values.json ?? false,
    yes: values.yes ?? false,
  };
  if (values.help || name === 'help') return { ...base, command: 'help' };
  if (values.version) return { ...base, command: 'version' };
  if (name === undefined) throw usage('No command is given.');
  const command = COMMANDS.find((known) => known === name);
  // What was typed may be a link, whose code is no matter for logs.
  if (name.startsWith('borealis:')) throw usage('Before a link stands what to do with it: enroll.');
  if (!command) throw usage(`There is no command ${name}; there are ${COMMANDS.join(', ')}.`);
  const { takes } = commands[command];
  if (rest.length > 0 || (word !== undefined && !takes))
    throw usage(`${command} takes ${takes ? `one ${takes.toLowerCase()}` : 'no arguments'}.`);
  return command === 'completion' ? { ...base, command, shell: readShell(word) } : { ...base, command };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw usage((error as Error).message.split('. ')[0] ?? '', error);
  }
}

function readShell(word: string | undefined): Shell {
  const shell = SHELLS.find((known) => known === word);
  if (!shell) throw usage(`completion takes the shell: ${SHELLS.join(', ')}.`);
  return shell;
}

function readContext(text: string | undefined): AgentContext | undefined {
  if (text === undefined) return undefined;
  const parsed = agentContext.safeParse(text);
  if (!parsed.success) throw usage('--context is system or user.');
  return parsed.data;
}

const usage = (detail: string, cause?: unknown): BorealisError =>
  new BorealisError('USAGE', {
    detail: /[.!?]$/.test(detail) ? detail : `${detail}.`,
    next: 'See how it is used: borealis-agent --help',
    cause,
  });
