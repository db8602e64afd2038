/** Runs ip, wg, nft and wireguard-go, and translates what they say once, here, into our errors. */
import { BorealisError } from '../protocol/errors.ts';
import { CommandError, type CommandResult, runOrFail } from '../sys/command.ts';
import { COMMAND_OUTPUT_BYTES, COMMAND_TIMEOUT_MS, type WgSystem } from './system.ts';

export interface Rest {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Debian's package for each command. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  wg: 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
};

const bounded = (rest: Rest) => ({
  ...rest,
  timeoutMs: COMMAND_TIMEOUT_MS,
  maxOutputBytes: COMMAND_OUTPUT_BYTES,
});

/** Any exit code but 0 is an error: NET_ADMIN_REQUIRED, PROGRAM_MISSING, WG_ROUTE_TAKEN, PORT_TAKEN, COMMAND_FAILED. */
export const must = async (
  { run }: Pick<WgSystem, 'run'>,
  file: string,
  args: readonly string[],
  rest: Rest = {},
): Promise<CommandResult> => {
  try {
    return await runOrFail(run, file, args, bounded(rest));
  } catch (error) {
    throw translate(error, file);
  }
};

/** Null where it fails and has `expected` in what it says. Errors: as `must`. */
export const unless = async (
  system: Pick<WgSystem, 'run'>,
  expected: RegExp,
  file: string,
  args: readonly string[],
): Promise<CommandResult | null> => {
  try {
    return await must(system, file, args);
  } catch (error) {
    if (error instanceof CommandError && expected.test(error.result.stderr)) return null;
    throw error;
  }
};

export const isMissing = (error: unknown): boolean =>
  error instanceof CommandError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';

const translate = (error: unknown, file: string): unknown => {
  if (!(error instanceof CommandError) || error.code !== 'COMMAND_FAILED') return error;
  const { detail, result } = error;
  const cause = error;
  // The shell's word for the same (sh(1)): 127, and the command's name.
  const missing = isMissing(error) ? file : /(\S+): not found\n?$/.exec(result.stderr)?.[1];
  if (missing !== undefined) {
    const next = `Install it: apt-get install ${PACKAGES[missing] ?? missing}`;
    return new BorealisError('PROGRAM_MISSING', { detail: `${missing} is not on the path.`, next, cause });
  }
  const options = { ...(detail === undefined ? {} : { detail }), cause };
  if (/not permitted/i.test(result.stderr)) return new BorealisError('NET_ADMIN_REQUIRED', options);
  if (/Address (already )?in use/i.test(result.stderr)) return portTaken(options);
  return error;
};

export const portTaken = (options: { detail?: string; cause?: unknown }): BorealisError =>
  new BorealisError('PORT_TAKEN', {
    ...options,
    next: 'Stop the process that has it, or choose another UDP port for WireGuard.',
  });
