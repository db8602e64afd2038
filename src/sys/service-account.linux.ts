/** The user and group that the engine runs as: system accounts without a login, made by systemd-sysusers(8). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BorealisError } from '../protocol/errors.ts';
import { forgetAccounts, lookupGroup, lookupUser } from './accounts.ts';
import { type CommandRunner, runOrFail } from './command.ts';

const LIMIT = { timeoutMs: 60_000 };

/** Returns whether it was made now. Errors: INVALID_INPUT where the user has no group of the same name; COMMAND_FAILED. */
export const makeServiceUser = async (
  run: CommandRunner,
  root: string,
  name: string,
  home: string,
): Promise<boolean> => {
  if (await userExists(root, name)) {
    if (root === '/' && !lookupGroup(name)) {
      throw new BorealisError('INVALID_INPUT', {
        detail: `There is a user ${name}, but no group of that name.`,
        next: `Make one: groupadd --system ${name}`,
      });
    }
    return false;
  }
  const line = `u ${name} - "Borealis engine" ${home} /usr/sbin/nologin`;
  await runOrFail(run, 'systemd-sysusers', [...inTree(root), '--inline', line], LIMIT);
  forgetAccounts();
  return true;
};

/** Its group goes with it. Errors: COMMAND_FAILED, where processes of it still run. */
export const removeServiceUser = async (run: CommandRunner, root: string, name: string): Promise<void> => {
  if (await userExists(root, name)) await runOrFail(run, 'userdel', [...inTree(root), name], LIMIT);
  forgetAccounts();
  // userdel(8) leaves the group where somebody else is in it, or login.defs says so.
  const { exitCode } = await run('groupdel', [...inTree(root), name], LIMIT);
  const gone = 6;
  if (exitCode !== 0 && exitCode !== gone) {
    throw new BorealisError('COMMAND_FAILED', {
      detail: `groupdel ${name} ended with exit code ${exitCode}.`,
      next: `Remove it by hand: groupdel ${name}`,
    });
  }
  forgetAccounts();
};

const inTree = (root: string): string[] => (root === '/' ? [] : ['--root', root]);

const userExists = async (root: string, name: string): Promise<boolean> => {
  if (root === '/') return lookupUser(name) !== null;
  const passwd = await readFile(join(root, 'etc/passwd'), 'utf8');
  return passwd.split('\n').some((line) => line.startsWith(`${name}:`));
};
