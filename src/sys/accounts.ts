/**
 * Unix users and groups by name and number, as the system's own programs see them: through getpwnam_r(3) and its
 * kin, so that LDAP, SSSD and systemd's users count, not /etc/passwd alone.
 */
import { accountSource, type GroupEntry, type UserEntry } from './accounts.linux.ts';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
  /** Those named in the group's own entry; users whose primary group it is need not be among them. */
  readonly members: readonly string[];
}

/** Milliseconds an answer is kept: a directory service may be slow, and a change shows within this time. */
const KEPT_MS = 10_000;
const KEPT_AT_MOST = 1_024;

class ShortMemory<T> {
  readonly #answers = new Map<string | number, { readonly value: T; readonly until: number }>();
  readonly #ask: (key: string | number) => T;

  constructor(ask: (key: string | number) => T) {
    this.#ask = ask;
  }

  get(key: string | number): T {
    const now = performance.now();
    const known = this.#answers.get(key);
    if (known && known.until > now) return known.value;
    const value = this.#ask(key);
    this.#answers.delete(key);
    if (this.#answers.size >= KEPT_AT_MOST) this.#answers.delete(this.#answers.keys().next().value!);
    this.#answers.set(key, { value, until: now + KEPT_MS });
    return value;
  }

  clear(): void {
    this.#answers.clear();
  }
}

const users = new ShortMemory<User | null>((key) => toUser(accountSource().user(key)));
const groups = new ShortMemory<Group | null>((key) => toGroup(accountSource().group(key)));

const toUser = (entry: UserEntry | null): User | null =>
  entry && {
    name: entry.pw_name,
    uid: entry.pw_uid,
    gid: entry.pw_gid,
    home: entry.pw_dir ?? '',
    shell: entry.pw_shell ?? '',
  };

const toGroup = (entry: GroupEntry | null): Group | null =>
  entry && { name: entry.gr_name, gid: entry.gr_gid, members: entry.members };

/** Null where no user has that number. Errors of all of these: COMMAND_FAILED where the lookup itself fails. */
export const userName = (uid: number): string | null => users.get(uid)?.name ?? null;
export const groupName = (gid: number): string | null => groups.get(gid)?.name ?? null;
export const lookupUser = (name: string): User | null => (isName(name) ? users.get(name) : null);
export const lookupGroup = (name: string): Group | null => (isName(name) ? groups.get(name) : null);

/** Forgets what was looked up, for who has just made or removed an account. */
export const forgetAccounts = (): void => {
  users.clear();
  groups.clear();
};

/** What could be a name at all; a NUL would cut it short in C. */
const isName = (name: string): boolean => name.length > 0 && name.length <= 256 && !name.includes('\0');
