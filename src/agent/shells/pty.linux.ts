/**
 * A pseudo-terminal on Linux, by the compiled part of node-pty (forkpty(3), waitpid(2)) and nothing of its JavaScript,
 * which gives up reading 200 ms after the program's end, however much is left; polls without a rest for as long as a
 * program does not read what is typed; and leaves the descriptor open in every program that is started later, so that
 * one user's shell could read and write another's terminal.
 */
import { chownSync, readdirSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { ReadStream } from 'node:tty';
import { BorealisError } from '../../protocol/errors.ts';
import { sessionMembers } from '../../sys/processes.ts';
import { closeOnExec, editUtf8, terminalEchoes } from '../../sys/terminal.linux.ts';
import type { Pty, PtyExit, PtyOptions, PtySignal, TerminalSize } from './pty.ts';

/** src/unix/pty.cc of node-pty 1.1.0. */
interface Native {
  fork(
    file: string,
    args: readonly string[],
    env: readonly string[],
    cwd: string,
    cols: number,
    rows: number,
    /** -1: as this process. It does not set groups, so it is of no use for another user. */
    uid: -1,
    gid: -1,
    utf8: boolean,
    /** macOS only. */
    helper: '',
    onExit: (code: number, signal: number) => void,
  ): { readonly fd: number; readonly pid: number; readonly pty: string };
  resize(fd: number, cols: number, rows: number): void;
}

/** What the program left running may go on printing for so long; silence for a moment is its end as well. */
const AFTERWARDS_MS = 2_000;
const LOOK_MS = 50;
const SILENT_LOOKS = 4;
/** The terminal takes no more for now: tried again after so long, more seldom the longer it lasts. */
const RETRY_FIRST_MS = 2;
const RETRY_MOST_MS = 100;
const READ_BYTES = 65_536;
/** As login(1) has it; profile and PAM may change it. The agent's own is that of a service with secrets. */
const LOGIN_UMASK = 0o022;
/** Each reads all of /proc; three are enough for anything that is not a fork bomb. */
const FREEZE_ROUNDS = 8;

let loaded: Native | undefined;

function native(): Native {
  if (loaded) return loaded;
  // Bundled as CommonJS there is no import.meta, from source there is no __filename.
  const require = createRequire(import.meta.filename ?? __filename);
  try {
    const { loadNativeModule } = require('node-pty/lib/utils') as {
      loadNativeModule(name: string): { module: Native };
    };
    loaded = loadNativeModule('pty').module;
  } catch (cause) {
    throw new BorealisError('UNSUPPORTED_PLATFORM', {
      detail: 'node-pty was not compiled on this machine.',
      next: 'Install a compiler there and set Borealis up again.',
      cause,
    });
  }
  keepInherited();
  return loaded;
}

/** Node sees to its own descriptors, and to the first few that it was started with; the rest would reach every shell. */
function keepInherited(): void {
  for (const name of readdirSync('/proc/self/fd')) if (Number(name) > 2) closeOnExec(Number(name));
}

export function openLinuxPty(options: PtyOptions): Pty {
  const pty = native();
  return new LinuxPty(pty, options);
}

class LinuxPty implements Pty {
  readonly pid: number;
  readonly #native: Native;
  readonly #options: PtyOptions;
  readonly #fd: number;
  readonly #stream: ReadStream;
  #unwritten: Uint8Array[] = [];
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_FIRST_MS;
  #exit: PtyExit | undefined;
  #closed = false;
  #paused = false;
  /** How often it was looked for output, after the program's end, and there was none. */
  #silent = 0;

  constructor(pty: Native, options: PtyOptions) {
    const { file, args, env, cwd, size, owner } = options;
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const exited = (code: number, signal: number) => this.#exited(code, signal);
    let forked: ReturnType<Native['fork']>;
    const mask = process.umask(LOGIN_UMASK);
    try {
      forked = pty.fork(file, args, variables, cwd, size.cols, size.rows, -1, -1, true, '', exited);
    } catch (cause) {
      throw new BorealisError('EXEC_FAILED', { detail: 'No terminal could be opened.', cause });
    } finally {
      process.umask(mask);
    }
    this.#native = pty;
    this.#options = options;
    this.#fd = forked.fd;
    this.pid = forked.pid;
    // In the same turn as the fork: nothing else is started in between.
    if (!closeOnExec(this.#fd)) throw this.#abandon('Its terminal would be open to other programs.');
    if (owner !== undefined) this.#giveTo(forked.pty, owner);
    editUtf8(this.#fd);
    // One piece of memory for all that it prints, and no stream between: an echo is out sooner.
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (count: number, bytes: Uint8Array) => this.#output(bytes.subarray(0, count)),
    };
    this.#stream = new ReadStream(this.#fd, { onread });
    this.#stream.resume();
    // EIO: the last program that had the terminal open has closed it.
    this.#stream.on('error', () => this.#stream.destroy());
    this.#stream.on('close', () => this.#over());
  }

  get unwritten(): number {
    if (this.#unwritten.length === 0) return 0;
    return this.#unwritten.reduce((sum, { length }) => sum + length, 0);
  }

  write(bytes: Uint8Array): void {
    if (this.#closed || bytes.length === 0) return;
    this.#unwritten.push(bytes);
    if (this.#unwritten.length === 1) this.#flush();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#silent = 0;
    this.#stream.resume();
  }

  resize({ cols, rows }: TerminalSize): void {
    if (!this.#closed) this.#native.resize(this.#fd, cols, rows);
  }

  echoes(): boolean | null {
    return this.#closed ? null : terminalEchoes(this.#fd);
  }

  signal(signal: PtySignal): void {
    // Once it has been waited for, its number may be another's.
    if (this.#exit) return;
    if (signal === 'SIGKILL') freeze(this.pid);
    for (const pid of sessionMembers(this.pid)) {
      send(pid, signal);
      // A stopped program hears of it only when it goes on.
      if (signal !== 'SIGKILL') send(pid, 'SIGCONT');
    }
  }

  close(): void {
    this.#stream.destroy();
  }

  /** Not blocking: the descriptor is not (pty.cc, pty_nonblock). A thread pool would cost more than the call. */
  #flush(): void {
    this.#retry = undefined;
    while (!this.#closed && this.#unwritten[0]) {
      const bytes = this.#unwritten[0];
      let count: number;
      try {
        count = writeSync(this.#fd, bytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') this.#tryLater();
        else this.#unwritten = []; // EIO: nobody will read it
        return;
      }
      this.#retryMs = RETRY_FIRST_MS;
      if (count < bytes.length) this.#unwritten[0] = bytes.subarray(count);
      else this.#unwritten.shift();
    }
  }

  #tryLater(): void {
    this.#retry = setTimeout(() => this.#flush(), this.#retryMs);
    this.#retryMs = Math.min(RETRY_MOST_MS, this.#retryMs * 2);
  }

  #giveTo(path: string, owner: number): void {
    try {
      chownSync(path, owner, -1);
    } catch {
      // What opens the terminal by its name (gpg, mesg) does without; what uses it does not notice.
    }
  }

  #abandon(detail: string): BorealisError {
    process.kill(this.pid, 'SIGKILL');
    return new BorealisError('EXEC_FAILED', { detail });
  }

  #output(bytes: Uint8Array): boolean {
    this.#silent = 0;
    this.#options.onOutput(bytes);
    return !this.#paused;
  }

  #exited(code: number, signal: number): void {
    this.#exit = { exitCode: signal === 0 ? code : null, signal: signal === 0 ? null : signalName(signal) };
    if (this.#closed) {
      this.#options.onEnd(this.#exit);
      return;
    }
    // The usual end comes by itself, with EIO; not where something was left behind that still has the terminal open.
    this.#silent = 0;
    const until = performance.now() + AFTERWARDS_MS;
    const look = setInterval(() => {
      if (this.#closed) return clearInterval(look);
      if (this.#paused) return;
      this.#silent += 1;
      if (this.#silent >= SILENT_LOOKS || performance.now() >= until) this.#stream.destroy();
    }, LOOK_MS);
  }

  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unwritten = [];
    clearTimeout(this.#retry);
    if (this.#exit) this.#options.onEnd(this.#exit);
    // Otherwise `#exited` tells: closing the terminal has hung up on the program (SIGHUP).
  }
}

/** Stops a session, so that nothing of it starts something else while it is killed. What never ends is not waited for. */
function freeze(session: number): void {
  const stopped = new Set<number>();
  for (let round = 0; round < FREEZE_ROUNDS; round++) {
    const fresh = sessionMembers(session).filter((pid) => !stopped.has(pid));
    if (fresh.length === 0) return;
    for (const pid of fresh) send(pid, 'SIGSTOP');
    for (const pid of fresh) stopped.add(pid);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it has just ended.
  }
}

const SIGNALS = Object.entries(constants.signals) as [string, number][];
const signalName = (number: number): string =>
  SIGNALS.find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
