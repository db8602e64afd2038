/** The program of a shell: a login shell of the account that was asked for, with nothing of the agent's own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { BorealisError } from '../../protocol/errors.ts';
import { lookupUser, type User } from '../../sys/accounts.ts';
import { loginShell, whyNoLogin } from '../../sys/login.linux.ts';
import type { PtyOptions } from './pty.ts';

/** runuser(1) of util-linux; su(1) where there is none, as in busybox. Both open a PAM session, if there is PAM. */
const CHANGERS = ['/usr/sbin/runuser', '/sbin/runuser', '/usr/bin/runuser', '/bin/su', '/usr/bin/su'];
const ROOT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const USER_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games';
const TERMINFO = ['/etc/terminfo', '/lib/terminfo', '/usr/share/terminfo', '/usr/lib/terminfo'];
const USUAL_TERM = 'xterm-256color';

export type LoginProgram = Pick<PtyOptions, 'file' | 'args' | 'env' | 'cwd' | 'owner'> & {
  readonly user: string;
};

export interface LoginAsked {
  /** Null: the agent's own. */
  readonly user: string | null;
  readonly term: string;
  /** LANG of the agent. */
  readonly lang: string | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** Errors: UNKNOWN_USER. */
export async function loginProgram(asked: LoginAsked): Promise<LoginProgram> {
  if (process.platform === 'win32') return powerShell(asked.user);
  const own = userInfo();
  const user = lookupUser(asked.user ?? own.username);
  if (!user) throw unknown('There is no account of that name.');
  const why = whyNoLogin(user, asked.nowMs);
  if (why) throw unknown(why);
  const env = {
    PATH: user.uid === 0 ? ROOT_PATH : USER_PATH,
    TERM: knownTerm(asked.term),
    LANG: utf8(asked.lang),
  };
  if (own.uid === 0) return { user: user.name, ...(await asRoot(user)), env, cwd: '/', owner: user.uid };
  if (user.uid !== own.uid) throw unknown('An agent that is not root has only its own account.');
  return { user: user.name, ...itself(user), env: { ...env, ...identity(user) }, owner: undefined };
}

const asRoot = async (user: User): Promise<{ file: string; args: string[] }> => {
  const file = CHANGERS.find((path) => existsSync(path));
  if (!file) throw unknown('The device has neither runuser nor su.');
  // Both clear the environment but for TERM; the language would get lost with it.
  const keep = (await keepsVariables(file)) ? ['-w', 'LANG'] : [];
  return { file, args: [...keep, '-l', user.name] };
};

const itself = (user: User) => ({
  file: loginShell(user),
  args: ['-l'],
  cwd: existsSync(user.home) ? user.home : '/',
});

const identity = ({ name, home, shell }: User) => ({ HOME: home, USER: name, LOGNAME: name, SHELL: shell });

let keeps: Promise<boolean> | undefined;
/** Since util-linux 2.34. */
const keepsVariables = (file: string): Promise<boolean> => {
  keeps ??= new Promise((resolve) => {
    execFile(file, ['--help'], { env: {}, timeout: 2_000 }, (_, stdout) =>
      resolve(stdout.includes('--whitelist-environment')),
    );
  });
  return keeps;
};

/** A terminal that the device has not heard of makes full-screen programs give up. */
const knownTerm = (term: string): string => {
  const letter = term[0] ?? '';
  const entry = `${letter}/${term}`;
  // On some systems the folders are named by the letter's code.
  const coded = `${letter.charCodeAt(0).toString(16)}/${term}`;
  const known = TERMINFO.some((path) => existsSync(`${path}/${entry}`) || existsSync(`${path}/${coded}`));
  return known ? term : USUAL_TERM;
};

/** Screens and recordings are UTF-8. */
const utf8 = (lang: string | undefined): string => (lang && /utf-?8/i.test(lang) ? lang : 'C.UTF-8');

/** Written to its documentation; not tried on Windows yet. */
const powerShell = (asked: string | null): LoginProgram => {
  const { username, homedir } = userInfo();
  if (asked !== null && asked !== username)
    throw unknown('On Windows a shell runs as the account of the agent.');
  const kept = [
    'SystemRoot',
    'SystemDrive',
    'ComSpec',
    'PATH',
    'PATHEXT',
    'TEMP',
    'TMP',
    'USERPROFILE',
    'windir',
  ];
  const env = Object.fromEntries(
    kept.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  const file = `${process.env.SystemRoot}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;
  return { user: username, file, args: ['-NoLogo'], env, cwd: homedir, owner: undefined };
};

const unknown = (detail: string): BorealisError => new BorealisError('UNKNOWN_USER', { detail });
