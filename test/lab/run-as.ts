/** A command run as another user of this host, through setpriv(1): with that group, and no other. */
import { spawn } from 'node:child_process';
import type { Finished } from './processes.ts';

export interface As {
  readonly user: string;
  readonly group: string;
}

export type Running = Promise<Finished> & {
  /** Resolves when the output so far is what was waited for; rejects where the command ends before. */
  until(condition: (stdout: string) => boolean): Promise<void>;
  stop(): void;
};

export const runAs = (
  { user, group }: As,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Running => {
  const child = spawn(
    'setpriv',
    [`--reuid=${user}`, `--regid=${group}`, '--clear-groups', '--', file, ...args],
    {
      cwd: '/',
      env: { PATH: process.env.PATH, HOME: '/', LANG: 'C.UTF-8', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const said = { stdout: '', stderr: '' };
  const heard = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
      for (const wake of heard) wake();
    });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...said }));
  });
  const until = async (condition: (stdout: string) => boolean): Promise<void> => {
    while (!condition(said.stdout)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      heard.add(resolve);
      const ended = await Promise.race([promise.then(() => false), finished.then(() => true)]);
      heard.delete(resolve);
      if (ended && !condition(said.stdout)) throw new Error(`it ended:\n${said.stdout}\n${said.stderr}`);
    }
  };
  return Object.assign(finished, { until, stop: () => void child.kill('SIGKILL') });
};
