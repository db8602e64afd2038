/** Whether an account is one to log in to: its shell (shells(5), nologin(8)) and its expiry (shadow(5)). */
import { accessSync, constants, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { User } from './accounts.ts';
import { libc } from './libc.linux.ts';

/** What passwd(5) has in the place of a shell where nobody is to get one. */
const NO_SHELLS = new Set(['nologin', 'false', 'true', 'sync', 'halt', 'shutdown', 'poweroff', 'reboot']);
const DAY_MS = 86_400_000;

interface Shadow {
  readonly sp_expire: number | bigint;
}

/** A sentence that says why nobody may log in to it; null where one may. `nowMs`: milliseconds since 1970. */
export const whyNoLogin = (user: User, nowMs: number): string | null => {
  const shell = loginShell(user);
  if (NO_SHELLS.has(basename(shell))) return `${user.name} has no login shell: ${shell}.`;
  if (!isProgram(shell)) return `The login shell of ${user.name} is missing: ${shell}.`;
  const expires = expiryDay(user.name);
  return expires !== null && nowMs / DAY_MS >= expires ? `The account ${user.name} has expired.` : null;
};

/** passwd(5): an empty field is /bin/sh. */
export const loginShell = ({ shell }: User): string => shell || '/bin/sh';

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // missing, or not to be run
  }
};

/** getspnam(3): days since 1970; null where there is none, or where the reader is not root. */
const expiryDay = (name: string): number | null => {
  const c = libc();
  shadowType ??= c.koffi.struct({
    sp_namp: 'void *',
    sp_pwdp: 'void *',
    sp_lstchg: 'long',
    sp_min: 'long',
    sp_max: 'long',
    sp_warn: 'long',
    sp_inact: 'long',
    sp_expire: 'long',
    sp_flag: 'unsigned long',
  });
  const entry = c.function<(name: string) => unknown>('getspnam', 'void *', ['str'])(name);
  if (entry === null) return null;
  const days = Number((c.koffi.decode(entry, shadowType) as Shadow).sp_expire);
  return days >= 0 ? days : null;
};
let shadowType: ReturnType<ReturnType<typeof libc>['koffi']['struct']> | undefined;
