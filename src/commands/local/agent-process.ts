/** The agent of this machine as a process: asked how it is, enrolled, started, stopped, through its own program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { BorealisError } from '../../protocol/errors.ts';
import { runCommand } from '../../sys/command.ts';
import { ensurePrivateDirectory } from '../../sys/files.ts';
import { processCommand } from '../../sys/processes.ts';
import { type Background, failureFrom, programOf, startInBackground } from './spawn.ts';
import { until } from './wait.ts';

const ANSWER_MS = 20_000;
const STOP_MS = 15_000;

export interface AgentPlace {
  /** Absolute. */
  readonly state: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Put before the command lines of what talks to the engine: the agent may live in another network namespace. */
  readonly within?: readonly string[] | undefined;
}

/** What `borealis-agent status --json` says, as far as it matters here; of the context `system`. */
export interface AgentStatus {
  readonly enrolled: boolean;
  readonly connected: boolean;
  readonly guid: string | null;
  readonly name: string | null;
  /** HOST:PORT of the engine that it belongs to. */
  readonly engine: string | null;
  /** Of the process that serves; null where none does. */
  readonly pid: number | null;
}

/** Errors: COMMAND_FAILED, and whatever the agent says. */
export const agentStatus = async (place: AgentPlace): Promise<AgentStatus> => {
  const said = await runAgent(place, ['status', '--json']);
  const { contexts = [] } = JSON.parse(said) as { contexts?: (AgentStatus & { context: string })[] };
  const system = contexts.find(({ context }) => context === 'system');
  return system ?? { enrolled: false, connected: false, guid: null, name: null, engine: null, pid: null };
};

/** Forgets enrolment and key. */
export const unenrollAgent = async (place: AgentPlace): Promise<void> => {
  await runAgent(place, ['unenroll', '--yes']);
};

const runAgent = async ({ state, env }: AgentPlace, args: readonly string[]): Promise<string> => {
  const command = [programOf('borealis-agent'), ...args, '--state', state];
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, command, {
    timeoutMs: ANSWER_MS,
    env,
  });
  if (exitCode !== 0)
    throw new BorealisError('COMMAND_FAILED', {
      detail: `borealis-agent ${args[0]}: ${(stderr || stdout).trim()}`,
    });
  return stdout;
};

export interface Enrolling {
  /** The fingerprint of its key, once it has asked to be enrolled. */
  readonly fingerprint: Promise<string>;
  /** Resolves when it is enrolled. Errors: COMMAND_FAILED with what it said. */
  readonly done: Promise<void>;
}

/** The link goes through standard input: what is in the arguments, every user of the machine can read. */
export const enrollAgent = (
  { state, env, within = [] }: AgentPlace,
  link: string,
  signal: AbortSignal,
): Enrolling => {
  const command = [...within, process.execPath, programOf('borealis-agent'), 'enroll', '-', '--state', state];
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...env },
    signal,
    killSignal: 'SIGTERM',
  });
  // Without us nobody approves it, and it would wait for an hour.
  const end = (): void => void child.kill();
  process.once('exit', end);
  child.stdin.on('error', () => {}); // ended before it read the link; how it ended says why
  child.stdin.end(`${link}\n`);
  const { promise: fingerprint, resolve } = Promise.withResolvers<string>();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const found = /^Key fingerprint[^:]*: (\S+)$/m.exec(said)?.[1];
    if (found) resolve(found);
  });
  const done = once(child, 'close').then(([code]) => {
    process.off('exit', end);
    if (code === 0) return;
    throw new BorealisError('COMMAND_FAILED', { detail: `borealis-agent enroll: ${said.trim()}` });
  });
  done.catch(() => {}); // awaited by the caller, perhaps later than it fails
  return { fingerprint: Promise.race([fingerprint, done.then(() => fingerprint)]), done };
};

/** Starts `borealis-agent run`; whether it comes online is the engine's to say. */
export const startAgent = async ({
  state,
  env,
  within,
}: AgentPlace): Promise<Background & { failure(how: string): BorealisError }> => {
  await ensurePrivateDirectory(state);
  const output = join(state, 'start.out');
  const agent = startInBackground('borealis-agent', ['run', '--state', state], output, env, within);
  return Object.assign(agent, { failure: (how: string) => failureFrom(output, how) });
};

/** Resolves with the number of the process that was ended; null where none ran. Errors: TIMED_OUT. */
export const stopAgent = async (place: AgentPlace): Promise<number | null> => {
  const { pid } = await agentStatus(place);
  if (pid === null) return null;
  // The number is of whoever holds the agent's lock; still, nothing else is ever ended by mistake.
  if (!processCommand(pid)?.includes('borealis-agent')) return null;
  process.kill(pid, 'SIGTERM');
  const gone = await until(STOP_MS, async () => (await agentStatus(place)).pid !== pid);
  if (gone) return pid;
  throw new BorealisError('TIMED_OUT', {
    detail: `The agent, process ${pid}, still runs ${STOP_MS / 1_000} s after it was told to stop.`,
    next: `End it for good with: kill -9 ${pid}`,
  });
};
