/** One run of keepalived(8), as our child: what it says of itself, and its end. */
import { spawn } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { BorealisError } from '../../../protocol/errors.ts';
import { runCommand, runOrFail } from '../../../sys/command.ts';
import { isMissing } from '../../../wg/commands.ts';
import { type KeepalivedFiles, MAY_NOT, stateIn, type VrrpState } from './config.ts';

/** Debian has it where only root's PATH looks. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
} as const;
const ENDING_MS = 3_000;
/** Lines of its log that are kept to say why it ended. */
const LINES = 5;

export interface Keepalived {
  /** With the last lines of what it said. Never rejects. */
  readonly exited: Promise<string>;
  /** A master tells the other one that it leaves, and takes the address away first. Resolves when it has ended. */
  end(): Promise<void>;
}

/** `path`: where programs are looked for. Errors: PROGRAM_MISSING. */
export const requireKeepalived = async (path: string = ENVIRONMENT.PATH): Promise<void> => {
  const env = { ...ENVIRONMENT, PATH: path };
  for (const [program, from] of [
    ['keepalived', 'keepalived'],
    ['setpriv', 'util-linux'],
  ] as const) {
    await runCommand(program, ['--version'], { env, timeoutMs: 10_000 }).catch((cause: unknown) => {
      if (!isMissing(cause)) throw cause;
      const next = `Install it: apt-get install ${from}`;
      throw new BorealisError('PROGRAM_MISSING', { detail: `${program} is not on the path.`, next, cause });
    });
  }
};

/** It begins in FAULT: who starts it says when it may have the address. */
export const startKeepalived = async (
  files: KeepalivedFiles,
  config: string,
  onState: (state: VrrpState) => void,
): Promise<Keepalived> => {
  await writeFile(files.may, MAY_NOT, { mode: 0o600 });
  await writeFile(files.alive, '', { mode: 0o600 });
  await writeFile(files.config, config, { mode: 0o600 });
  // Of this run: what one before it has left unread is of the past.
  await rm(files.fifo, { force: true });
  await runOrFail(runCommand, 'mkfifo', ['-m', '600', files.fifo], { env: ENVIRONMENT, timeoutMs: 10_000 });
  const states = readFifo(files.fifo, (line) => {
    const state = stateIn(line);
    if (state) onState(state);
  });
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'keepalived', ...argumentsFor(files)], {
    cwd: '/',
    env: ENVIRONMENT,
    // What is sent to the terminal's processes is for the agent, which ends it in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      said.push(withoutTime(line));
      said.splice(0, said.length - LINES);
    });
  const exited = new Promise<string>((resolve) => {
    const over = (how: string): void => {
      states.destroy();
      resolve([how, ...said].join('; '));
    };
    child.once('exit', (code, signal) => over(`ended ${signal ? `by ${signal}` : `with exit code ${code}`}`));
    child.once('error', (error) => over(error.message));
  });
  return {
    exited,
    end: async () => {
      child.kill('SIGTERM');
      const killing = setTimeout(() => child.kill('SIGKILL'), ENDING_MS);
      await exited;
      clearTimeout(killing);
    },
  };
};

/** Where the process that routes packets dies, the one above it ends as well: we start both anew. */
const argumentsFor = ({ config, pid, vrrpPid }: KeepalivedFiles): string[] => [
  '--dont-fork',
  '--dont-respawn',
  '--vrrp',
  '--log-console',
  '--no-syslog',
  ...['--use-file', config],
  ...['--pid', pid],
  ...['--vrrp_pid', vrrpPid],
];

/** `Sat Nov 21 12:38:40 2026: …`. */
const withoutTime = (line: string): string => line.replace(/^\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}: /, '');

/** Opened for writing too: it would end else whenever nobody has it open for that. */
const readFifo = (path: string, onLine: (line: string) => void): Socket => {
  const { O_RDWR, O_NONBLOCK } = constants;
  const socket = new Socket({ fd: openSync(path, O_RDWR | O_NONBLOCK), readable: true, writable: false });
  createInterface({ input: socket }).on('line', onLine);
  return socket;
};
