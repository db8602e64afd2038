/** The rooms of src/, what each may import, and why no more (docs: one way, from what is shared to what is run). */

export interface Room {
  /** Other rooms of ours. Types count: what one may not use, one may not know. */
  readonly rooms: readonly string[];
  /** Packages; `undefined` leaves them free. Built-in modules of Node are free unless `builtins` is false. */
  readonly packages?: readonly string[];
  readonly builtins?: false;
  readonly because: string;
}

export const rooms: Readonly<Record<string, Room>> = {
  protocol: {
    rooms: [],
    packages: ['zod'],
    builtins: false,
    because: 'every process speaks it, on every platform, so it may need nothing but its own schemas',
  },
  crypto: {
    rooms: ['protocol'],
    because:
      'a trust rule that depends on the store, the network or the operating system cannot be tested alone',
  },
  sys: {
    rooms: ['protocol'],
    because: 'it hides the operating system from the others and must know nothing of what they do with it',
  },
  text: {
    rooms: ['protocol'],
    packages: ['get-east-asian-width'],
    builtins: false,
    because: 'commands and screens write the same words; what it needs, every command would load',
  },
  config: {
    rooms: ['protocol', 'sys'],
    because:
      'the CLI, the engine and the agent all read configuration; it must pull none of them into the others',
  },
  wg: {
    rooms: ['protocol', 'sys'],
    because: 'it turns a desired network into a real one, and who desired it is not its business',
  },
  qr: {
    rooms: [],
    packages: ['qrcode-terminal'],
    because: 'commands draw it and the engine makes a picture of it; what is in it is not its business',
  },
  emulator: {
    rooms: [],
    packages: ['@xterm/headless', 'get-east-asian-width'],
    builtins: false,
    because: 'the agent keeps a shell’s screen with it and the dashboard draws one: both count columns alike',
  },
  copy: {
    rooms: ['protocol', 'sys'],
    because:
      'both ends of a copy run it, each with what its process may do; who may copy is not its business',
  },
  ha: {
    rooms: ['protocol', 'sys', 'wg'],
    because:
      'who may have an address is decided by the same rules in the engine and on both nodes, whoever runs them',
  },
  store: {
    rooms: ['protocol', 'crypto', 'sys'],
    because:
      'rows are kept here and rules are kept in the engine; a store that knows rules decides things twice',
  },
  daemon: {
    rooms: ['protocol', 'crypto', 'sys', 'config', 'store', 'wg', 'qr', 'ha'],
    because: 'the engine serves clients and agents over the wire only; there is no private door',
  },
  agent: {
    rooms: ['protocol', 'crypto', 'sys', 'config', 'wg', 'copy', 'ha', 'emulator'],
    because:
      'it runs as root on machines of others; the less it holds of the engine, the less can be turned against them',
  },
  client: {
    rooms: ['protocol', 'sys'],
    packages: ['ws'],
    because: 'the CLI, the screens and the tests all use it, and every command pays for what it loads',
  },
  commands: {
    rooms: ['protocol', 'client', 'sys', 'config', 'text', 'copy', 'qr'],
    because:
      'a command asks the engine and prints; what it could reach directly would be a second set of rules',
  },
  tui: {
    rooms: ['protocol', 'client', 'text', 'qr', 'emulator'],
    because: 'a screen asks the engine and draws, like a command',
  },
};

export interface PackageBan {
  readonly package: string;
  /** The only rooms that may use it. */
  readonly onlyIn: readonly string[];
  readonly because: string;
}

export const packageBans: readonly PackageBan[] = [
  {
    package: 'better-sqlite3',
    onlyIn: ['store'],
    because: 'whoever opens the database beside the store goes around its transactions and its schema',
  },
  { package: 'kysely', onlyIn: ['store', 'daemon'], because: 'queries belong to the engine and its store' },
  {
    package: 'koffi',
    onlyIn: ['sys'],
    because: 'a call into C that is wrong ends the process; they stay few and in one place',
  },
  { package: 'fastify', onlyIn: ['daemon'], because: 'nothing but the engine listens' },
  { package: 'react', onlyIn: ['tui'], because: 'loading it takes longer than most commands run' },
  { package: 'ink', onlyIn: ['tui'], because: 'loading it takes longer than most commands run' },
  { package: 'blessed-contrib', onlyIn: ['tui'], because: 'loading it takes longer than most commands run' },
  {
    package: '@oclif/core',
    onlyIn: ['commands'],
    because: 'the engine and the agent read four flags each; they need no framework for that',
  },
];
