/** Commands and flags of `borealis-agent`, as data: its help and its completion are made from it. */

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof SHELLS)[number];

export const COMMANDS = ['enroll', 'run', 'status', 'doctor', 'unenroll', 'completion'] as const;
export type CommandName = (typeof COMMANDS)[number];

export interface CommandEntry {
  /** What follows it, as help names it; nothing does otherwise. */
  readonly takes?: string;
  readonly summary: string;
}
export const commands: Readonly<Record<CommandName, CommandEntry>> = {
  enroll: { takes: 'LINK', summary: 'ask to be managed, wait for the approval, end' },
  run: { summary: 'serve, in the foreground, until SIGTERM' },
  status: { summary: 'what the agent is doing' },
  doctor: { summary: 'what keeps it from its engine, each with its remedy' },
  unenroll: { summary: 'forget the enrolment and the key' },
  completion: { takes: 'SHELL', summary: `print the completion script of ${SHELLS.join(', ')}` },
};

export interface FlagEntry {
  readonly name: string;
  /** How help names its value; it takes none otherwise. */
  readonly value?: 'system|user' | 'DIR' | 'FILE';
  readonly summary: string;
  readonly variable?: string;
  /** The one command that it counts for; all otherwise. */
  readonly of?: CommandName;
}
export const flags: readonly FlagEntry[] = [
  {
    name: 'context',
    value: 'system|user',
    summary: 'which of the two contexts of the device; system where not given. run: all that are enrolled',
    variable: 'BOREALIS_AGENT_CONTEXT',
  },
  {
    name: 'state',
    value: 'DIR',
    summary: 'where the agent keeps its state',
    variable: 'BOREALIS_AGENT_STATE',
  },
  {
    name: 'config',
    value: 'FILE',
    summary: 'configuration, TOML; agent.toml in the state directory otherwise',
    variable: 'BOREALIS_AGENT_CONFIG',
  },
  { name: 'json', summary: 'results and errors as one JSON document' },
  { name: 'yes', summary: 'unenroll without asking', of: 'unenroll' },
  { name: 'help', summary: 'this' },
  { name: 'version', summary: 'which version it is' },
];

const WIDTH = 80;
const aligned = (rows: readonly (readonly [left: string, right: string])[], width: number): string =>
  rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`).join('\n');

const flagRow = ({ name, value, summary, variable }: FlagEntry): string => {
  const text = `  ${`--${name}${value ? ` ${value}` : ''}`.padEnd(24)}${summary}`;
  return variable ? `${text}\n${' '.repeat(WIDTH - 4)}(${variable})` : text;
};

export const HELP = `borealis-agent: the managed device's side of Borealis. Outbound only; it opens no port.

${aligned(
  COMMANDS.map((name) => {
    const { takes, summary } = commands[name];
    return [`borealis-agent ${name}${takes ? ` ${takes}` : ''}`, summary];
  }),
  34,
)}

${flags.map(flagRow).join('\n')}

The link holds a secret, and every user of a machine can read the arguments of its processes. To keep it out of
sight, give - and the link on standard input, or put it into BOREALIS_AGENT_LINK and leave it out.
`;
