/** `borealis-agent unenroll`: forgets key, certificate and tokens on this machine. The engine's record is an operator's to remove. */
import { BorealisError } from '../protocol/errors.ts';
import { lockState } from '../sys/lock.ts';
import type { CommandLine } from './cli-arguments.ts';
import { printJson, type Terminal } from './cli-output.ts';
import { loadConfig } from './config.ts';
import { forgetIdentity, loadMembership } from './identity.ts';
import { contextPaths, LOCK_NAME, prepareState } from './state.ts';

export async function unenrollCommand(line: CommandLine, terminal: Terminal): Promise<void> {
  const { state } = loadConfig({ state: line.state, file: line.config, env: terminal.env });
  const paths = contextPaths(state, line.context ?? 'system');
  const membership = await loadMembership(paths).catch(damaged);
  if (!membership) throw new BorealisError('NOT_ENROLLED', { detail: `Its state is ${state}.` });
  const { guid, name } = membership;
  const whose = guid === null ? `in ${paths.directory}, which is damaged` : `of ${name} (${guid})`;
  if (!line.yes && !(await confirmed(`Forget the enrolment ${whose}?`, terminal)))
    throw new BorealisError('CANCELLED', { next: 'Answer yes, or add --yes.' });
  await prepareState(state, paths);
  const lock = lockState(paths.directory, LOCK_NAME);
  try {
    await forgetIdentity(paths);
  } finally {
    lock.release();
  }
  if (line.json) printJson(terminal, { guid, name, context: paths.context, unenrolled: true });
  else
    terminal.stdout.write(
      `Forgotten. An operator removes the device with: borealisctl device remove ${guid ?? 'DEVICE'}\n`,
    );
}

/** Files that nobody can read any more can still be forgotten: to enrol again is the way out of it. */
function damaged(error: unknown): { readonly guid: null; readonly name: null } {
  if (error instanceof BorealisError && error.code === 'STATE_DAMAGED') return { guid: null, name: null };
  throw error;
}

async function confirmed(question: string, { stdin, stderr }: Terminal): Promise<boolean> {
  if (!stdin.isTTY) return false;
  stderr.write(`${question} [y/N] `);
  for await (const chunk of stdin) return /^\s*y(es)?\s*$/i.test(String(chunk));
  return false;
}
