/** One program in a pseudo-terminal of its own, whatever the platform. Bytes in, bytes out, none lost, none made up. */
import { BorealisError } from '../../protocol/errors.ts';

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

export interface PtyOptions {
  /** Absolute. */
  readonly file: string;
  readonly args: readonly string[];
  /** The whole environment; nothing of ours is added. */
  readonly env: Readonly<Record<string, string>>;
  /** Exists. */
  readonly cwd: string;
  readonly size: TerminalSize;
  /** To whom the terminal belongs (chown(2)): programs open it by its name. Undefined: whoever this process is. */
  readonly owner: number | undefined;
  /** Each chunk is good until it returns. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** Once, after all output. */
  readonly onEnd: (exit: PtyExit) => void;
}

export interface PtyExit {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export type PtySignal = 'SIGHUP' | 'SIGTERM' | 'SIGKILL';

export interface Pty {
  /** Of the program, and of its session. */
  readonly pid: number;
  /** Typed bytes that the terminal has not taken yet. */
  readonly unwritten: number;
  write(bytes: Uint8Array): void;
  /** A program that prints stands still before long. */
  pause(): void;
  resume(): void;
  resize(size: TerminalSize): void;
  /** Does the terminal show what is typed, now? Null where that is not known. */
  echoes(): boolean | null;
  /** To every process of the session. */
  signal(signal: PtySignal): void;
  /** Hangs up at once; `onEnd` follows when the program has ended. */
  close(): void;
}

/** Errors: EXEC_FAILED, UNSUPPORTED_PLATFORM. What the terminal needs is loaded with the first. */
export async function openPty(options: PtyOptions): Promise<Pty> {
  if (process.platform === 'linux') return (await import('./pty.linux.ts')).openLinuxPty(options);
  if (process.platform === 'win32') return (await import('./pty.windows.ts')).openWindowsPty(options);
  throw new BorealisError('UNSUPPORTED_PLATFORM', { detail: 'Shells run on Linux and Windows.' });
}
