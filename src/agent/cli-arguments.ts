/** The command line of `borealis-agent`, read and checked. */
import { parseArgs } from 'node:util';
import { BorealisError } from '../protocol/errors.ts';
import { type AgentContext, agentContext } from '../protocol/scalars.ts';

export const COMMANDS = ['enroll', 'run', 'status', 'doctor', 'unenroll'] as const;
export type CommandName = (typeof COMMANDS)[number];

export interface CommandLine {
  readonly command: CommandName | 'help' | 'version';
  /** Of `enroll`: the link, `-` for standard input; undefined where it is in the environment. */
  readonly link: string | undefined;
  readonly context: AgentContext | undefined;
  readonly state: string | undefined;
  readonly config: string | undefined;
  readonly json: boolean;
  readonly yes: boolean;
}

export const HELP = `borealis-agent: the managed device's side of Borealis. Outbound only; it opens no port.

  borealis-agent enroll LINK    ask to be managed, wait for the approval, end
  borealis-agent run            serve, in the foreground, until SIGTERM
  borealis-agent status         what the agent is doing
  borealis-agent doctor         what keeps it from its engine, each with its remedy
  borealis-agent unenroll       forget the enrolment and the key

  --context system|user   which of the device's two contexts; system where not given. run: all that are enrolled
                                                                            (BOREALIS_AGENT_CONTEXT)
  --state DIR             where the agent keeps its state                   (BOREALIS_AGENT_STATE)
  --config FILE           configuration, TOML; agent.toml in the state directory otherwise
                                                                            (BOREALIS_AGENT_CONFIG)
  --json                  results and errors as one JSON document
  --yes                   unenroll without asking
  --help, --version

The link holds a secret, and every user of a machine can read the arguments of its processes. To keep it out of
sight, give - and the link on standard input, or put it into BOREALIS_AGENT_LINK and leave it out.
`;

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
  const [name, link, ...rest] = positionals;
  const base = {
    link,
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
  if (rest.length > 0 || (link !== undefined && command !== 'enroll'))
    throw usage(`${command} takes ${command === 'enroll' ? 'one link' : 'no arguments'}.`);
  return { ...base, command };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw usage((error as Error).message.split('. ')[0] ?? '', error);
  }
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
