/** Runs a program as a process group for a verb; its output goes to the verb's, its end becomes the outcome. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { spawnGroup } from '../../sys/process-group.ts';
import type { Outcome, VerbContext } from './verb.ts';

/** Errors: EXEC_FAILED where the program cannot be started. */
export async function runProcess(
  file: string,
  args: readonly string[],
  { signal, timeoutMs, output, environment, workingDirectory, groups }: VerbContext,
): Promise<Outcome> {
  if (signal.aborted) return { exitCode: null };
  // A user whose home is not there works at the root, as with login(1).
  const cwd = existsSync(workingDirectory) ? workingDirectory : '/';
  const group = await spawnGroup(file, args, { cwd, env: environment, timeoutMs });
  groups.add(group.pid);
  const kill = () => group.kill();
  if (signal.aborted) kill();
  signal.addEventListener('abort', kill, { once: true });
  group.stdout.on('data', (chunk: Buffer) => output('stdout', chunk));
  group.stderr.on('data', (chunk: Buffer) => output('stderr', chunk));
  const exit = await group.exited;
  groups.remove(group.pid);
  signal.removeEventListener('abort', kill);
  if (exit.signal === null) return { exitCode: exit.exitCode };
  // As shells say it: 128 and the number of the signal.
  return {
    exitCode: 128 + constants.signals[exit.signal],
    failure: { code: null, message: `The program was ended by ${exit.signal}.` },
  };
}
