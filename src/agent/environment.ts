/** What child processes see: a small environment of our making, and nothing of the agent's own. */
import { userInfo } from 'node:os';
import type { AgentContext } from '../protocol/scalars.ts';

const ROOT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const USER_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ChildSetting {
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
}

/** `own`: this process's environment; only the language is taken over from it. `extra`: from the configuration. */
export function childSetting(
  context: AgentContext,
  own: Environment,
  extra: Readonly<Record<string, string>>,
): ChildSetting {
  const { username, homedir, uid, shell } = userInfo();
  return {
    environment: {
      PATH: uid === 0 ? ROOT_PATH : USER_PATH,
      HOME: homedir,
      USER: username,
      LOGNAME: username,
      SHELL: shell ?? '/bin/sh',
      LANG: own.LANG || 'C.UTF-8',
      TERM: 'dumb',
      ...extra,
    },
    workingDirectory: context === 'user' ? homedir : '/',
  };
}
