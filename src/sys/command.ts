/** Runs a command of the operating system to its end: argument array, no shell, C locale, bounded in time and output. */
import { spawn } from 'node:child_process';
import { BorealisError, type ErrorCode } from '../protocol/errors.ts';

export interface CommandOptions {
  /** Milliseconds until it is killed. */
  readonly timeoutMs: number;
  /** Standard input; secrets go this way, never in `args`. Nothing is on it otherwise. */
  readonly input?: string | Uint8Array | undefined;
  /** Instead of this process's environment. LC_ALL=C is added either way. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string | undefined;
  /** Of stdout and stderr together; the command is killed when it says more. 10 MiB where not given. */
  readonly maxOutputBytes?: number | undefined;
}

export interface CommandResult {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What runs commands: the system, or in a test a simulation of it that remembers what was done to it. */
export type CommandRunner = (
  file: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

/** A command that did not do what it was asked: what was run, and what it said. */
export class CommandError extends BorealisError {
  readonly command: readonly string[];
  readonly result: CommandResult;

  constructor(
    code: ErrorCode,
    what: string,
    command: readonly string[],
    result: CommandResult,
    cause?: unknown,
  ) {
    const said = lastLines(result.stderr) || lastLines(result.stdout);
    super(code, { detail: `${showCommand(command)} ${what}${said ? `: ${said}` : '.'}`, cause });
    this.name = 'CommandError';
    this.command = command;
    this.result = result;
  }
}

const MAX_OUTPUT_BYTES = 10 * 1024 * 1024;
/** Milliseconds after the command's end for what its own children still hold of its output. */
const DRAIN_MS = 1_000;

/**
 * Resolves when the command has ended, whatever its exit code. Errors: CommandError with COMMAND_FAILED where it cannot
 * be started or says too much, TIMED_OUT, CANCELLED by `signal`; the command is dead by then.
 */
export const runCommand: CommandRunner = (file, args, options) => {
  const command = [file, ...args];
  const { timeoutMs, signal, maxOutputBytes = MAX_OUTPUT_BYTES } = options;
  const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let bytes = 0;
  let failure: { readonly code: ErrorCode; readonly what: string; readonly cause?: unknown } | undefined;

  const result = (exitCode: number | null, killedBy: NodeJS.Signals | null): CommandResult => ({
    exitCode,
    signal: killedBy,
    stdout: Buffer.concat(output.stdout).toString(),
    stderr: Buffer.concat(output.stderr).toString(),
  });
  if (signal?.aborted) {
    return Promise.reject(new CommandError('CANCELLED', 'was not started', command, result(null, null)));
  }

  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...(options.env ?? process.env), LC_ALL: 'C' },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const fail = (code: ErrorCode, what: string, cause?: unknown) => {
    failure ??= { code, what, cause };
    child.kill('SIGKILL');
  };
  const timer = setTimeout(() => fail('TIMED_OUT', `did not end within ${timeoutMs} ms`), timeoutMs);
  const onAbort = () => fail('CANCELLED', 'was cancelled');
  signal?.addEventListener('abort', onAbort, { once: true });

  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxOutputBytes) output[name].push(chunk);
      else fail('COMMAND_FAILED', `said more than ${maxOutputBytes} bytes`);
    });
  }
  child.stdin?.on('error', () => {}); // EPIPE: it did not want its input; its exit code says whether that is bad
  child.stdin?.end(options.input);

  child.on('error', (cause) => {
    if (child.pid === undefined)
      finish(null, null, { code: 'COMMAND_FAILED', what: 'cannot be started', cause });
  });
  child.on('exit', () => {
    // Something that it left behind may hold the pipes open for ever.
    setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, DRAIN_MS).unref();
  });
  child.on('close', (exitCode, killedBy) => finish(exitCode, killedBy, failure));

  const finish = (exitCode: number | null, killedBy: NodeJS.Signals | null, failed: typeof failure) => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    const ended = result(exitCode, killedBy);
    if (failed) reject(new CommandError(failed.code, failed.what, command, ended, failed.cause));
    else resolve(ended);
  };
  return promise;
};

/** The same, but an exit code other than 0 is an error too: CommandError with COMMAND_FAILED. */
export const runOrFail = async (
  run: CommandRunner,
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> => {
  const result = await run(file, args, options);
  if (result.exitCode === 0) return result;
  const what = result.signal ? `was ended by ${result.signal}` : `ended with exit code ${result.exitCode}`;
  throw new CommandError('COMMAND_FAILED', what, [file, ...args], result);
};

/** For people and logs; arguments with spaces or quotes are quoted as a shell would want them. */
export const showCommand = (command: readonly string[]): string =>
  command
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');

/** The end of what a command said, where the reason usually is. */
const lastLines = (output: string): string => output.trim().split('\n').slice(-5).join('\n').slice(-1_000);
