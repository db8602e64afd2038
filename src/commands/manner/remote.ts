/** BOREALIS_HOST=ssh://user@host[:port]: the same command line, run by borealisctl on that host through ssh(1). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { BorealisError } from '../../protocol/errors.ts';
import { quoteForShell, splitAtDashes } from './words.ts';

/** They speak of this machine or of no engine at all. */
const LOCAL = new Set([
  'completion',
  'quickstart',
  // Its ports are here; it asks the other host itself.
  'tunnel forward',
]);
export const isLocal = (id: string): boolean => LOCAL.has(id);

export interface SshTarget {
  /** What ssh is given: user@host. */
  readonly destination: string;
  readonly port: string | undefined;
  /** The remote program, where the address has a path to it. */
  readonly program: string;
}

/** Errors: USAGE. */
export const parseHost = (address: string): SshTarget => {
  const match = /^ssh:\/\/((?:[^@/:\s]+@)?(?:\[[0-9A-Fa-f:.]+\]|[^@/:[\]\s]+))(?::(\d{1,5}))?(\/.*)?$/.exec(
    address,
  );
  const destination = match?.[1]?.replace(/[[\]]/g, '');
  // A name that begins with a dash would be an option to ssh; others end up in the shell of a ProxyCommand
  // (CVE-2023-51385).
  if (!match || !destination || !/^[\w\\][\w@.:%+=\\-]*$/.test(destination)) {
    throw new BorealisError('USAGE', {
      detail: `BOREALIS_HOST is “${address}”.`,
      next: 'Write it like ssh://user@host or ssh://user@host:22.',
    });
  }
  const path = match[3];
  return { destination, port: match[2], program: path && path !== '/' ? path : 'borealisctl' };
};

/** ssh hands its arguments, joined by blanks, to the remote shell: each is quoted for that. */
export const sshArguments = (
  { destination, port, program }: SshTarget,
  argv: readonly string[],
  tty: boolean,
): string[] => [
  ...(tty ? ['-t'] : []),
  ...(port ? ['-p', port] : []),
  '--',
  destination,
  [program, ...argv].map(quoteForShell).join(' '),
];

/** Runs to the end; its exit code becomes ours. A passphrase file of this machine travels through standard input. */
export const runRemotely = async (address: string, argv: string[]): Promise<void> => {
  const target = parseHost(address);
  const { rest, secretFile } = takePassphraseFile(argv);
  const tty = secretFile === undefined && process.stdin.isTTY === true && process.stdout.isTTY === true;
  // ssh(1) takes TERM along and no other variable.
  const plainly = tty && process.env.NO_COLOR ? ['--no-color'] : [];
  const child = spawn('ssh', sshArguments(target, [...plainly, ...rest], tty), {
    stdio: [secretFile === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
  });
  // The terminal sends Ctrl-C to ssh too, which passes it on; we stay to hear how it ends.
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  if (secretFile !== undefined && child.stdin)
    createReadStream(secretFile)
      .on('error', () => child.kill())
      .pipe(child.stdin);
  const [code, signal] = (await once(child, 'close').catch((cause: NodeJS.ErrnoException) => {
    throw new BorealisError('ENGINE_UNREACHABLE', {
      detail: cause.code === 'ENOENT' ? 'ssh is not installed here.' : cause.message,
      next:
        cause.code === 'ENOENT'
          ? 'Install it: apt-get install openssh-client'
          : `Try: ssh ${target.destination}`,
      cause,
    });
  })) as [number | null, NodeJS.Signals | null];
  process.off('SIGINT', ignore);
  if (code === 255) {
    const { own } = splitAtDashes(argv);
    const shell = own.includes('shell') && tty;
    // What a program had set of the terminal, nobody is left to undo.
    if (tty && own.some((word) => DRAWING.has(word))) process.stdout.write(UNDO_ALL);
    // ssh(1): 255 is its own error; ours has no such code.
    throw new BorealisError('ENGINE_UNREACHABLE', {
      detail: `ssh could not reach ${target.destination}, or was cut off; what it said is above.`,
      next: shell
        ? 'A shell that was open goes on; find it with: borealisctl shell list'
        : `Try: ssh ${target.destination}`,
    });
  }
  if (code === 127) {
    throw new BorealisError('ENGINE_UNREACHABLE', {
      detail: `There is no ${target.program} on ${target.destination}.`,
      next: `Name it: BOREALIS_HOST=${address.replace(/\/+$/, '')}/path/to/borealisctl`,
    });
  }
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
};

/** Words of the commands that take the terminal for themselves. */
const DRAWING = new Set(['shell', 'dashboard', 'wallboard', 'replay', 'telemetry']);

/** Mouse, pasting, focus, keys, the alternate screen, then what DECSTR resets; the cursor shows. */
const UNDO_ALL =
  '\u0018\u001b[?1000;1002;1003;1006;2004;1004;1;2026l\u001b[?1049l\u001b[!p\u001b[m\u001b(B\u000f\u001b>\u001b[?7;25h\r\n';

/** Of a `backup` command's own flags: what follows `--` is the command line of a device. */
const takePassphraseFile = (argv: readonly string[]): { rest: string[]; secretFile: string | undefined } => {
  const { own, rest: theirs = [] } = splitAtDashes(argv);
  const noun = own.find((word, index) => !word.startsWith('-') && own[index - 1] !== '--socket');
  const flag = '--passphrase-file';
  const at = own.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  const joined = at >= 0 && own[at] !== flag;
  const named = joined ? own[at]?.slice(flag.length + 1) : own[at + 1];
  const given = at < 0 ? process.env.BOREALIS_PASSPHRASE_FILE || undefined : named;
  if (!/^backups?$/.test(noun ?? '') || given === undefined || given === '-')
    return { rest: [...argv], secretFile: undefined };
  const others = own.filter((_, index) => at < 0 || (index !== at && (joined || index !== at + 1)));
  return { rest: [...others, flag, '-', ...(theirs.length > 0 ? ['--', ...theirs] : [])], secretFile: given };
};
