/** The command line of borealisd. Each setting's flag has its variable too, which src/config reads. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { SettingKey } from '../config/settings.ts';
import { BorealisError } from '../protocol/errors.ts';
import { engineStateDirectory } from '../sys/state-paths.ts';

export interface DaemonArguments {
  readonly help: boolean;
  readonly version: boolean;
  /** Absolute. */
  readonly state: string;
  readonly config: string | undefined;
  readonly flags: Partial<Record<SettingKey, string>>;
}

export const USAGE = `borealisd: the Borealis engine. Runs in the foreground and prints nothing but its log.

  --config FILE        configuration (BOREALIS_CONFIG; borealisd.toml in the state directory otherwise)
  --state DIR          state directory (BOREALIS_STATE; /var/lib/borealis as root, the XDG state directory otherwise)
  --socket PATH        local socket (BOREALIS_SOCKET; run/borealisd.sock in the state directory otherwise)
  --listen HOST:PORT   where agents connect (BOREALIS_LISTEN)
  --log-level LEVEL    trace, debug, info, warn, error or fatal (BOREALIS_LOG_LEVEL)
  --help, --version

Operate it with borealisctl; begin with: borealisctl status
`;

/** Errors: USAGE. */
export const readArguments = (
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): DaemonArguments => {
  const values = parse(argv);
  const config = values.config ?? (env.BOREALIS_CONFIG || undefined);
  const flags: Partial<Record<SettingKey, string>> = {};
  if (values.socket !== undefined) flags.socket = resolve(values.socket);
  if (values.listen !== undefined) flags.listen = values.listen;
  if (values['log-level'] !== undefined) flags.log_level = values['log-level'];
  return {
    help: values.help ?? false,
    version: values.version ?? false,
    state: resolve(values.state ?? (env.BOREALIS_STATE || engineStateDirectory(env))),
    config: config && resolve(config),
    flags,
  };
};

const parse = (argv: readonly string[]) => {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      options: {
        config: { type: 'string' },
        state: { type: 'string' },
        socket: { type: 'string' },
        listen: { type: 'string' },
        'log-level': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    }).values;
  } catch (error) {
    throw new BorealisError('USAGE', {
      detail: `${(error as Error).message.split('. ', 1)[0]}.`,
      next: 'See how it is used: borealisd --help',
      cause: error,
    });
  }
};
