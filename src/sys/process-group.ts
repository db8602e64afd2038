/**
 * A child process in a process group and session of its own (setsid(2)), which ends as a whole: on expiry, when told
 * to, and when the child itself has ended, whatever it left running in the group. What calls setsid(2) itself leaves
 * the group and is not found again: that is how a script leaves something running on purpose, as under any terminal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { PassThrough, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { BorealisError } from '../protocol/errors.ts';
import { groupRuns } from './processes.ts';

export interface GroupOptions {
  readonly cwd?: string | undefined;
  /** The whole environment of the child; nothing of ours is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array | undefined;
  /** Milliseconds until the group is killed. */
  readonly timeoutMs: number;
  /** Run as this user and group; other groups of ours are dropped. Needs root. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Milliseconds between SIGTERM and SIGKILL, and for output that is still held open at the end. 2 s where not given. */
  readonly graceMs?: number | undefined;
}

export interface GroupExit {
  /** Null where a signal ended the child. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
}

export interface ProcessGroup {
  /** Of the child, and of its group. */
  readonly pid: number;
  /** They must be read, or destroyed: a child whose output nobody takes stands still. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the group is gone and all of its output has been handed over. Never rejects. */
  readonly exited: Promise<GroupExit>;
  /** SIGTERM to the whole group now, SIGKILL after the grace. More than once does no harm. */
  kill(): void;
}

const GRACE_MS = 2_000;
/** Time for what the child started last to leave the group, once the child has ended by itself. */
const LEAVING_MS = 250;
/** How often is looked whether the group is gone. */
const LOOK_MS = 20;

/** Resolves once the child runs. Errors: EXEC_FAILED where it cannot be started. */
export const spawnGroup = async (
  file: string,
  args: readonly string[],
  options: GroupOptions,
): Promise<ProcessGroup> => {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ended = new Promise<Omit<GroupExit, 'timedOut'>>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  await started(child, file);

  const pid = child.pid!;
  const graceMs = options.graceMs ?? GRACE_MS;
  let timedOut = false;
  let killing: Promise<void> | undefined;
  const kill = () => {
    killing ??= endGroup(pid, graceMs);
    return killing;
  };
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.timeoutMs);

  child.stdin?.on('error', () => {}); // EPIPE: it ended, or closed its input, before it had read all of it
  child.stdin?.end(options.input);

  const stdout = pipe(child.stdout!);
  const stderr = pipe(child.stderr!);
  const finish = async (): Promise<GroupExit> => {
    // A reader that gives up has had what it wanted.
    const read = Promise.allSettled([finished(stdout.to), finished(stderr.to)]);
    const exit = await ended;
    clearTimeout(timer);
    // `setsid COMMAND &` at the end of a script: the child may be gone before what it started has left the group.
    if (!killing) await emptyWithin(pid, LEAVING_MS);
    await kill();
    await takeOver([stdout, stderr], closed, graceMs);
    await read;
    return { ...exit, timedOut };
  };
  return { pid, stdout: stdout.to, stderr: stderr.to, exited: finish(), kill: () => void kill() };
};

const started = (child: ChildProcess, file: string): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'ENOENT' ? 'it, its interpreter or the folder to run in is missing' : cause.message;
      reject(new BorealisError('EXEC_FAILED', { detail: `${file} cannot be started: ${reason}.`, cause }));
    });
  });

/** kill(2) to every process of the group; false where the group is empty. */
const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    // EPERM: all that is left of it has become another user's (setuid), and is not ours to end.
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
};

/** Resolves when nobody is left, or `graceMs` after SIGKILL: a process the kernel itself holds up cannot be waited for. */
const endGroup = async (group: number, graceMs: number): Promise<void> => {
  if (!signalGroup(group, 'SIGTERM') || (await emptyWithin(group, graceMs))) return;
  if (signalGroup(group, 'SIGKILL')) await emptyWithin(group, graceMs);
};

const emptyWithin = async (group: number, ms: number): Promise<boolean> => {
  const until = performance.now() + ms;
  while (signalGroup(group, 0) && groupRuns(group)) {
    if (performance.now() >= until) return false;
    await delay(LOOK_MS);
  }
  return true;
};

/**
 * Waits until all output has been taken over from the child. Where a process that left the group keeps a pipe open and
 * says nothing for a whole `graceMs`, it is cut off, which its reader sees as the end; a slow reader is waited for.
 */
const takeOver = async (pipes: readonly Pipe[], closed: Promise<void>, graceMs: number): Promise<void> => {
  for (let before = -1; ; ) {
    const over = await Promise.race([closed.then(() => true), delay(graceMs, closed).then(() => false)]);
    if (over) return;
    const taken = pipes.reduce((sum, { from }) => sum + from.bytesRead, 0);
    const readerIsSlow = pipes.some(({ from, to }) => from.readableLength > 0 || to.writableNeedDrain);
    if (taken === before && !readerIsSlow) break;
    before = taken;
  }
  for (const { from, to } of pipes) {
    from.unpipe(to);
    from.destroy();
    to.end();
  }
};

/** From the child's end to our reader's. The reader's is a stream of its own, so that cutting the one ends the other well. */
interface Pipe {
  readonly from: Readable & { readonly bytesRead: number };
  readonly to: PassThrough;
}

const pipe = (stream: Readable): Pipe => {
  const from = stream as Pipe['from'];
  const to = from.pipe(new PassThrough());
  // A reader that destroys its stream wants no more; the child must not stand still for that.
  to.once('close', () => from.resume());
  return { from, to };
};

/** Ends early, without keeping the process alive, when `until` comes first. */
const delay = (ms: number, until?: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    until?.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
