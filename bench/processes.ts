/** Children of a benchmark: the real binaries and the floors, and what the kernel says that they use. */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
export const binary = (name: 'borealisctl' | 'borealisd' | 'borealis-agent'): string =>
  join(ROOT, 'bin', name);

/** Nothing of the caller's environment that could lead a child to another engine. */
export const plainEnvironment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: process.env.HOME ?? '/',
  LANG: 'C.UTF-8',
});

/** Milliseconds of a whole run, from fork to exit. Throws where it ends with another code than 0. */
export const runTime = (file: string, args: readonly string[], env: Record<string, string> = {}): number => {
  const begun = performance.now();
  const { status, stderr } = spawnSync(file, args, {
    env: { ...plainEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 2 ** 20,
  });
  const took = performance.now() - begun;
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return took;
};

/** The floor of everything that starts a process. */
export const bareNode = (): number => runTime(process.execPath, ['-e', '0']);

const MS_PER_TICK = 10;

/** User and system time of all threads so far, milliseconds; proc_pid_stat(5), fields 14 and 15. */
export const cpuMs = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
};

/** The same with all of its children that have ended; fields 14 to 17. */
export const cpuMsWithChildren = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * MS_PER_TICK;
};

/** The same of this process's children that have ended, their own children included; fields 16 and 17. */
export const childrenCpuMs = (): number => {
  const fields = readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) * MS_PER_TICK;
};

/** Resident set, KiB. */
export const residentKib = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);

/** Raises the number of files that a process may have open. False where that is not allowed. */
export const raiseFileLimit = (pid: number, wanted: number): boolean => {
  const limit = (): readonly number[] =>
    /^Max open files\s+(\S+)\s+(\S+)/m
      .exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))!
      .slice(1)
      .map((text) => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text)));
  const [soft, hard] = limit();
  if (soft! >= wanted) return true;
  spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${wanted}:${Math.max(wanted, hard!)}`], {
    stdio: 'ignore',
  });
  return limit()[0]! >= wanted;
};

/** Keeps all threads of a process on one processor. False where that cannot be done. */
export const keepOn = (pid: number, processor: number): boolean =>
  spawnSync('taskset', ['-a', '-c', '-p', String(processor), String(pid)], { stdio: 'ignore' }).status === 0;

export const allProcessors = (pid: number): boolean =>
  spawnSync('taskset', ['-a', '-p', 'ffffffff', String(pid)], { stdio: 'ignore' }).status === 0;

export const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
};

/** borealisd, as its launcher starts it. */
export class EngineProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly state: string;
  /** Milliseconds from its start to its word that it is ready. */
  readonly readyMs: number;

  private constructor(child: ChildProcess, state: string, readyMs: number) {
    this.child = child;
    this.pid = child.pid!;
    this.state = state;
    this.readyMs = readyMs;
  }

  static async start(state: string, args: readonly string[] = []): Promise<EngineProcess> {
    const begun = performance.now();
    const child = spawn(binary('borealisd'), ['--state', state, '--listen', '127.0.0.1:0', ...args], {
      env: plainEnvironment(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let said = '';
    const hear = (text: string): void => {
      said = (said + text).slice(-4_000);
      if (/"msg":"ready"/.test(said)) resolve(performance.now() - begun);
    };
    child.stderr!.setEncoding('utf8').on('data', hear);
    child.once('exit', () => reject(new Error(`the engine ended before it was ready: ${said}`)));
    child.once('error', reject);
    const readyMs = await promise;
    child.stderr!.off('data', hear).resume();
    return new EngineProcess(child, state, readyMs);
  }

  get socket(): string {
    return join(this.state, 'run', 'borealisd.sock');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
    await ended(this.child);
  }
}

/** A module of this folder in a process of its own; it says by a message when it is ready. */
export const startHelper = async (
  file: string,
  args: readonly string[],
  execArgv: readonly string[] = [],
): Promise<{ readonly child: ChildProcess; readonly ready: unknown }> => {
  const child = fork(join(import.meta.dirname, file), args, {
    env: plainEnvironment(),
    execArgv: ['--no-warnings', ...execArgv],
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  child.once('message', resolve);
  child.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it was ready`)));
  return { child, ready: await promise };
};
