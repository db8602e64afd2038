/** Starts engine or agent of this checkout in the background, out of the reach of the terminal that it was started from. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BorealisError, ERRORS, type ErrorCode } from '../../protocol/errors.ts';
import { ENGINE_NODE_FLAGS } from '../../sys/program-files.ts';
import { programRoot } from '../manner/program.ts';
import { plainLines } from '../manner/text.ts';

export type Daemon = 'borealisd' | 'borealis-agent';

/** The bundle, run by the Node that runs us. Errors: NOT_BUILT. */
export const programOf = (name: Daemon): string => {
  const file = join(programRoot(), 'dist', `${name}.cjs`);
  if (!existsSync(file)) throw new BorealisError('NOT_BUILT', { detail: `${file} is missing.` });
  return file;
};

/** Flags of Node itself. */
export const nodeFlagsOf = (name: Daemon): readonly string[] =>
  name === 'borealisd' ? ENGINE_NODE_FLAGS : [];

export interface Background {
  readonly pid: number;
  /** How it ended, once it has; what it said is in `output`. */
  readonly ended: Promise<string>;
  /** True until it has ended. */
  readonly runs: boolean;
  /** Lets this process end while the other goes on. */
  release(): void;
}

/** What it says before its own log is open goes to `output`, a file that begins anew. */
export const startInBackground = (
  name: Daemon,
  args: readonly string[],
  output: string,
  env: Readonly<Record<string, string | undefined>>,
  /** Put before the command line; becomes the program, ip-netns(8). */
  within: readonly string[] = [],
): Background => {
  const file = openSync(output, 'w', 0o600);
  let child: ChildProcess;
  try {
    const command = [...within, process.execPath, ...nodeFlagsOf(name), programOf(name), ...args];
    child = spawn(command[0]!, command.slice(1), {
      cwd: '/',
      detached: true,
      stdio: ['ignore', file, file],
      env: { ...env, BOREALIS_BACKGROUND: '1' },
    });
  } finally {
    closeSync(file);
  }
  let runs = true;
  const ended = new Promise<string>((resolve) => {
    const finish = (how: string): void => {
      runs = false;
      resolve(how);
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, signal) =>
      finish(signal ? `ended by ${signal}` : `ended with exit code ${code}`),
    );
  });
  return {
    pid: child.pid ?? 0,
    ended,
    get runs() {
      return runs;
    },
    release: () => child.unref(),
  };
};

/**
 * Why a daemon ended, from what it said: `borealisd: sentence`, then `Next: …`, as its main prints it.
 * `how` is said where it said nothing.
 */
export const failureFrom = (output: string, how: string): BorealisError => {
  const said = plainLines(readFileSync(output, 'utf8')).trim().split('\n').slice(-20);
  const at = said.findIndex((line) => /^(borealisd:|Error:) /.test(line));
  const message = (said[at] ?? '').replace(/^(borealisd:|Error:) /, '');
  const code = (Object.keys(ERRORS) as ErrorCode[]).find((key) => message.startsWith(ERRORS[key].message));
  if (at >= 0 && code) {
    const detail = message.slice(ERRORS[code].message.length).trim();
    const next = said[at + 1]?.trim().replace(/^Next: /, '');
    return new BorealisError(code, { ...(detail && { detail }), ...(next && { next }) });
  }
  const last = said
    .filter((line) => line !== '')
    .slice(-5)
    .join('\n');
  return new BorealisError('COMMAND_FAILED', { detail: `It ${how}${last ? `; it said:\n${last}` : '.'}` });
};
